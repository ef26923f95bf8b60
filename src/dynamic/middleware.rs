//! Middlewares, as Traefik 2 and 3 name them.

use std::collections::BTreeMap;

use super::language::{language, section};
use crate::model::Span;

language! {
    /// Of one kind only.
    pub struct Middleware {
        add_prefix: Option<AddPrefix>,
        strip_prefix: Option<StripPrefix>,
        strip_prefix_regex: Option<StripPrefixRegex>,
        replace_path: Option<ReplacePath>,
        replace_path_regex: Option<ReplacePathRegex>,
        chain: Option<Chain>,
        ip_white_list: Option<IpAllowList>,
        ip_allow_list: Option<IpAllowList>,
        headers: Option<Headers>,
        encoded_characters: Option<EncodedCharacters>,
        errors: Option<ErrorPages>,
        rate_limit: Option<RateLimit>,
        redirect_regex: Option<RedirectRegex>,
        redirect_scheme: Option<RedirectScheme>,
        basic_auth: Option<Auth>,
        digest_auth: Option<Auth>,
        forward_auth: Option<ForwardAuth>,
        in_flight_req: Option<InFlightReq>,
        buffering: Option<Buffering>,
        circuit_breaker: Option<CircuitBreaker>,
        #[serde(deserialize_with = "section")]
        compress: Option<Compress>,
        #[serde(rename = "passTLSClientCert")]
        pass_tls_client_cert: Option<PassTlsClientCert>,
        retry: Option<Retry>,
        #[serde(deserialize_with = "section")]
        content_type: Option<ContentType>,
        grpc_web: Option<GrpcWeb>,
        plugin: BTreeMap<String, serde_json::Value>,
    }

    pub struct AddPrefix {
        prefix: String,
    }

    pub struct StripPrefix {
        prefixes: Vec<String>,
        force_slash: Option<bool>,
    }

    pub struct StripPrefixRegex {
        regex: Vec<String>,
    }

    pub struct ReplacePath {
        path: String,
    }

    pub struct ReplacePathRegex {
        regex: String,
        replacement: String,
    }

    pub struct Chain {
        middlewares: Vec<String>,
    }

    pub struct IpAllowList {
        source_range: Vec<String>,
        #[serde(deserialize_with = "section")]
        ip_strategy: Option<IpStrategy>,
        reject_status_code: u16,
    }

    pub struct IpStrategy {
        depth: u32,
        #[serde(rename = "excludedIPs")]
        excluded_ips: Vec<String>,
        #[serde(rename = "ipv6Subnet")]
        ipv6_subnet: Option<u8>,
    }

    pub struct Headers {
        custom_request_headers: BTreeMap<String, String>,
        custom_response_headers: BTreeMap<String, String>,
        access_control_allow_credentials: bool,
        access_control_allow_headers: Vec<String>,
        access_control_allow_methods: Vec<String>,
        access_control_allow_origin_list: Vec<String>,
        access_control_allow_origin_list_regex: Vec<String>,
        access_control_expose_headers: Vec<String>,
        access_control_max_age: Option<i64>,
        add_vary_header: bool,
        allowed_hosts: Vec<String>,
        hosts_proxy_headers: Vec<String>,
        ssl_proxy_headers: BTreeMap<String, String>,
        sts_seconds: Option<i64>,
        sts_include_subdomains: bool,
        sts_preload: bool,
        #[serde(rename = "forceSTSHeader")]
        force_sts_header: bool,
        frame_deny: bool,
        custom_frame_options_value: String,
        content_type_nosniff: bool,
        browser_xss_filter: bool,
        #[serde(rename = "customBrowserXSSValue")]
        custom_browser_xss_value: String,
        content_security_policy: String,
        content_security_policy_report_only: String,
        public_key: String,
        referrer_policy: String,
        permissions_policy: String,
        is_development: bool,
        feature_policy: Option<String>,
        ssl_redirect: Option<bool>,
        ssl_temporary_redirect: Option<bool>,
        ssl_host: Option<String>,
        ssl_force_host: Option<bool>,
    }

    pub struct EncodedCharacters {
        allow_encoded_slash: bool,
        allow_encoded_back_slash: bool,
        allow_encoded_null_character: bool,
        allow_encoded_semicolon: bool,
        allow_encoded_percent: bool,
        allow_encoded_question_mark: bool,
        allow_encoded_hash: bool,
    }

    pub struct ErrorPages {
        status: Vec<String>,
        status_rewrites: BTreeMap<String, u16>,
        service: String,
        query: String,
        error_request_headers: Vec<String>,
    }

    pub struct RateLimit {
        average: i64,
        period: Option<Span> = Span::seconds(1),
        burst: i64 = 1,
        #[serde(deserialize_with = "section")]
        source_criterion: Option<SourceCriterion>,
        redis: Option<Redis>,
    }

    pub struct SourceCriterion {
        #[serde(deserialize_with = "section")]
        ip_strategy: Option<IpStrategy>,
        request_header_name: String,
        request_host: bool,
    }

    pub struct Redis {
        endpoints: Vec<String> = ["localhost:6379".to_owned()],
        #[serde(deserialize_with = "section")]
        tls: Option<ClientTls>,
        username: String,
        password: String,
        db: u32,
        pool_size: u32,
        min_idle_conns: u32,
        max_active_conns: u32,
        read_timeout: Option<Span> = Span::seconds(3),
        write_timeout: Option<Span> = Span::seconds(3),
        dial_timeout: Option<Span> = Span::seconds(5),
    }

    pub struct ClientTls {
        ca: String,
        cert: String,
        key: String,
        insecure_skip_verify: bool,
        ca_optional: Option<bool>,
    }

    pub struct RedirectRegex {
        regex: String,
        replacement: String,
        permanent: bool,
    }

    pub struct RedirectScheme {
        scheme: String,
        port: String,
        permanent: bool,
    }

    /// Basic and digest.
    pub struct Auth {
        users: Vec<String>,
        users_file: String,
        realm: String,
        remove_header: bool,
        header_field: String,
    }

    pub struct ForwardAuth {
        address: String,
        #[serde(deserialize_with = "section")]
        tls: Option<ClientTls>,
        trust_forward_header: Option<bool>,
        auth_response_headers: Vec<String>,
        auth_response_headers_regex: String,
        auth_request_headers: Vec<String>,
        max_response_body_size: Option<i64>,
        add_auth_cookies_to_response: Vec<String>,
        header_field: String,
        forward_body: bool,
        max_body_size: Option<i64> = -1,
        preserve_location_header: bool,
        preserve_request_method: bool,
        #[serde(rename = "authSigninURL")]
        auth_signin_url: String,
    }

    pub struct InFlightReq {
        amount: i64,
        #[serde(deserialize_with = "section")]
        source_criterion: Option<SourceCriterion>,
    }

    pub struct Buffering {
        max_request_body_bytes: i64,
        mem_request_body_bytes: i64,
        max_response_body_bytes: i64,
        mem_response_body_bytes: i64,
        retry_expression: String,
    }

    pub struct CircuitBreaker {
        expression: String,
        check_period: Option<Span> = Span::milliseconds(100),
        fallback_duration: Option<Span> = Span::seconds(10),
        recovery_duration: Option<Span> = Span::seconds(10),
        response_code: u16 = 503_u16,
    }

    pub struct Compress {
        excluded_content_types: Vec<String>,
        included_content_types: Vec<String>,
        min_response_body_bytes: i64,
        encodings: Vec<String> = ["gzip", "br", "zstd"].map(str::to_owned),
        default_encoding: String,
    }

    pub struct PassTlsClientCert {
        pem: bool,
        #[serde(deserialize_with = "section")]
        info: Option<ClientCertInfo>,
    }

    pub struct ClientCertInfo {
        not_after: bool,
        not_before: bool,
        sans: bool,
        serial_number: bool,
        #[serde(deserialize_with = "section")]
        subject: Option<DistinguishedName>,
        #[serde(deserialize_with = "section")]
        issuer: Option<DistinguishedName>,
    }

    pub struct DistinguishedName {
        country: bool,
        province: bool,
        locality: bool,
        organization: bool,
        organizational_unit: bool,
        common_name: bool,
        serial_number: bool,
        domain_component: bool,
    }

    pub struct Retry {
        attempts: u32,
        timeout: Option<Span>,
        initial_interval: Option<Span>,
        max_request_body_bytes: Option<i64> = 2 * 1024 * 1024,
        status: Vec<String>,
        disable_retry_on_network_error: bool,
        retry_non_idempotent_method: bool,
    }

    pub struct ContentType {
        auto_detect: Option<bool>,
    }

    pub struct GrpcWeb {
        allow_origins: Vec<String>,
    }
}
