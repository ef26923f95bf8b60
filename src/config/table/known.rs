//! Options that Traefik knows and that set nothing here: not built yet, or without a meaning.
//!
//! Whoever builds one moves its name from here to a row of [`super::GROUPS`].

use std::sync::LazyLock;

use super::super::options::Family::{self, First, Later, Second, Shared};
use super::super::value::{self, Wrong};
use Fate::{Needed, NotYet, Pointless};
use Kind::{Any, List, Number, Numbers, Off, On, Text, Time, Whole, Word};

/// What becomes of an option that is taken and sets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Fate {
    /// A warning.
    NotYet,
    /// Its entry point stays closed: served without it, it would hand out what the user meant to
    /// protect, or speak another protocol than its clients.
    Needed,
    /// Rightly changes nothing; said at level DEBUG.
    Pointless,
}

/// What its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    /// A switch that is off unless it is named.
    Off,
    /// A switch that is on unless it is turned off.
    On,
    Time,
    Whole,
    Number,
    Numbers,
    Text,
    List,
    Word(&'static [&'static str]),
    /// Anything, and so is all below it: what we shall not do in this form.
    Any,
}

#[derive(Debug)]
pub(in crate::config) struct Known {
    /// In Traefik's own spelling; a segment `*` is a name that the user chose.
    pub name: String,
    pub family: Family,
    pub fate: Fate,
    pub kind: Kind,
}

impl Kind {
    /// Whether the value asks for anything but what holds without it.
    pub fn asks(self, value: Option<&str>) -> Result<bool, Wrong> {
        let Some(value) = value.map(str::trim) else {
            return match self {
                Off | Any => Ok(true),
                On => Ok(false),
                _ => Err(Wrong::new("has no value", format!("add ={}", self.placeholder()))),
            };
        };
        match self {
            Text | List | Word(_) if value.is_empty() => return Ok(false),
            Off => return value::switch(value),
            Any => return Ok(value::switch(value) != Ok(false)),
            On => return value::switch(value).map(|on| !on),
            Time => drop(value::time(value)?),
            Whole => drop(value::whole(value)?),
            Number => drop(value::number(value)?),
            Numbers => {
                value::list(value).iter().try_for_each(|one| value::number(one).map(drop))?;
            }
            Word(words) if !words.iter().any(|word| word.eq_ignore_ascii_case(value)) => {
                let remedy = format!("use {}", words.join(" or "));
                return Err(Wrong::new("is not one of the words that are possible", remedy));
            }
            Text | List | Word(_) => {}
        }
        Ok(true)
    }

    /// Whether a flag of this kind takes the argument behind it.
    pub fn takes_value(self) -> bool {
        !matches!(self, Off | On | Any)
    }

    fn placeholder(self) -> &'static str {
        match self {
            Off | On | Any => "true",
            Time => "<seconds>",
            Whole | Number => "<number>",
            Text | Word(_) => "<text>",
            List | Numbers => "<a,b>",
        }
    }
}

/// All of them, with each name whole.
pub(in crate::config) static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for &(fate, family, prefixes, groups) in SECTIONS {
        for prefix in prefixes {
            for &(kind, names) in groups {
                all.extend(names.split_whitespace().map(|name| {
                    let name = match (*prefix, name) {
                        ("", name) => name.to_owned(),
                        (prefix, ".") => prefix.to_owned(),
                        (prefix, name) => format!("{prefix}.{name}"),
                    };
                    Known { name, family, fate, kind }
                }));
            }
        }
    }
    all
});

/// Options below prefixes, by kind; the name `.` is the prefix itself.
type Section = (Fate, Family, &'static [&'static str], &'static [(Kind, &'static str)]);

const CLIENT_TLS: &[(Kind, &str)] = &[(Off, ". insecureSkipVerify"), (Text, "ca cert key")];
const COLLECTOR: &[(Kind, &str)] = &[
    (Off, ". grpc grpc.insecure grpc.tls grpc.tls.insecureSkipVerify"),
    (Off, "http http.tls http.tls.insecureSkipVerify"),
    (Text, "grpc.endpoint grpc.headers.* grpc.tls.ca grpc.tls.cert grpc.tls.key"),
    (Text, "http.endpoint http.headers.* http.tls.ca http.tls.cert http.tls.key"),
    (Text, "serviceName resourceAttributes.*"),
];
const LABELS: (Kind, &str) = (On, "addEntryPointsLabels addServicesLabels");

#[rustfmt::skip]
static SECTIONS: &[Section] = &[
    // Traefik 1.
    (Pointless, First, &[""], &[
        (Off, "checkNewVersion sendAnonymousUsage allowMinWeightZero"),
    ]),
    (NotYet, First, &[""], &[
        (Off, "keepTrailingSlash insecureSkipVerify retry acme"), (Whole, "retry.attempts"), (List, "rootCAs"),
        (Text, "traefikLogsFile traefikLog.filePath rest.entryPoint"),
        (Any, "boltdb consul consulCatalog dynamodb ecs etcd eureka kubernetes marathon mesos rancher \
               serviceFabric zookeeper cluster storeconfig"),
    ]),
    (NotYet, First, &["acme"], &[
        (Off, "onHostRule onDemand acmeLogging tlsChallenge dnsChallenge httpChallenge overrideCertificates"),
        (Off, "dnsChallenge.disablePropagationCheck"),
        (Text, "email storage storageFile entryPoint caServer keyType preferredChain dnsProvider"),
        (Text, "httpChallenge.entryPoint dnsChallenge.provider domains.main"),
        (Time, "dnsChallenge.delayBeforeCheck delayDontCheckDNS"),
        (List, "domains domains.sans dnsChallenge.resolvers"),
    ]),
    (Pointless, First, &["docker"], &[(Off, "tls.caOptional debugLogGeneratedTemplate"), (Whole, "templateVersion")]),
    (NotYet, First, &["docker"], &[(Text, "filename"), (Off, "trace")]),
    (Pointless, First, &["file"], &[(Off, "debugLogGeneratedTemplate")]),
    (Needed, First, &["web"], &[
        (Text, "certFile keyFile auth.basic.usersFile auth.digest.usersFile auth.forward.address auth.headerField"),
        (List, "auth.basic.users auth.digest.users"),
    ]),
    (NotYet, First, &["web"], &[
        (Off, "metrics.datadog metrics.statsd metrics.influxdb"), (Text, "path metrics.prometheus.entryPoint"),
        (Text, "metrics.datadog.address metrics.statsd.address metrics.influxdb.address"),
        (Time, "metrics.datadog.pushInterval metrics.statsd.pushInterval metrics.influxdb.pushInterval"),
        (Whole, "statistics.recentErrors"),
    ]),
    (Pointless, First, &["web"], &[(Off, "readOnly")]),
    (NotYet, First, &["api"], &[(Off, "statistics"), (Whole, "statistics.recentErrors")]),
    (Needed, First, &["entryPoints.*.tls"], &[
        (Off, ". sniStrict clientCA clientCA.optional"), (Text, "minVersion certificates.certFile certificates.keyFile"),
        (Text, "defaultCertificate.certFile defaultCertificate.keyFile"),
        (List, "cipherSuites clientCAFiles clientCA.files"),
    ]),
    (Needed, First, &["entryPoints.*.redirect"], &[
        (Text, "entryPoint regex replacement"), (Off, "permanent"),
    ]),
    (Needed, First, &["entryPoints.*"], &[
        (List, "whitelistSourceRange whiteList.sourceRange"), (Off, "whiteList whiteList.useXForwardedFor auth"),
    ]),
    (Needed, First, &["entryPoints.*.auth"], &[
        (Off, "basic.removeHeader digest.removeHeader forward.trustForwardHeader"),
        (Off, "forward.tls forward.tls.caOptional forward.tls.insecureSkipVerify"),
        (Text, "basic.usersFile digest.usersFile headerField forward.address"),
        (Text, "forward.tls.ca forward.tls.cert forward.tls.key"),
        (List, "basic.users digest.users forward.authResponseHeaders"),
    ]),
    (NotYet, First, &["entryPoints.*"], &[(Off, "compress")]),
    (NotYet, First, &["tracing"], &[(Text, "backend")]),

    // Traefik 2 and 3: doors.
    (Needed, Later, &["entryPoints.*.http"], &[
        (Off, "tls redirections.entryPoint.permanent"), (Text, "tls.options tls.certResolver tls.domains.main"),
        (Text, "redirections.entryPoint.to redirections.entryPoint.scheme"), (Whole, "redirections.entryPoint.priority"),
        (List, "middlewares tls.domains.sans"),
    ]),
    (NotYet, Later, &["entryPoints.*"], &[
        (Off, "allowACMEByPass reusePort forwardedHeaders.notAppendXForwardedFor http.encodeQuerySemicolons http3"),
        (On, "http.sanitizePath observability.accessLogs observability.metrics observability.tracing"),
        (Word(&["minimal", "detailed"]), "observability.traceVerbosity"),
        (Word(&["keep", "delete", "reject"]), "http.underscoreHeadersStrategy"),
        (List, "forwardedHeaders.connection"), (Time, "udp.timeout"),
        (Whole, "http2.maxConcurrentStreams http2.maxDecoderHeaderTableSize http2.maxEncoderHeaderTableSize"),
        (Whole, "http3.advertisedPort"),
    ]),
    (NotYet, Later, &["entryPoints.*.http.encodedCharacters"], &[
        (On, "allowEncodedSlash allowEncodedBackSlash allowEncodedNullCharacter allowEncodedSemicolon"),
        (On, "allowEncodedPercent allowEncodedQuestionMark allowEncodedHash"),
    ]),
    // Traefik 2 and 3: providers.
    (NotYet, Later, &["providers.docker", "providers.swarm"], &[(Time, "httpClientTimeout")]),
    (NotYet, Later, &["providers.http.tls"], CLIENT_TLS),
    (Pointless, Later, &["providers.docker.tls", "providers.swarm.tls", "providers.http.tls"], &[(Off, "caOptional")]),
    // News are taken as they come, and bursts of them at the pace of looking.
    (Pointless, Later, &["providers"], &[(Time, "providersThrottleDuration")]),
    (Pointless, First, &[""], &[(Time, "providersThrottleDuration")]),
    (Pointless, Later, &["providers.file"], &[(Off, "debugLogGeneratedTemplate")]),
    (NotYet, Later, &["providers"], &[
        (Any, "kubernetesIngress kubernetesIngressNGINX kubernetesCRD kubernetesGateway knative consul consulCatalog \
               nomad ecs etcd zooKeeper redis rancher marathon plugin"),
    ]),
    // Traefik 2 and 3: certificates.
    (NotYet, Later, &["certificatesResolvers.*"], &[(Off, ". acme tailscale")]),
    (NotYet, Later, &["certificatesResolvers.*.acme"], &[
        (Text, "email caServer caServerName storage keyType preferredChain profile eab.kid eab.hmacEncoded"),
        (List, "emailAddresses caCertificates"), (Whole, "certificatesDuration"),
        (Off, "disableCommonName caSystemCertPool httpChallenge tlsChallenge dnsChallenge"),
        (Time, "clientTimeout clientResponseHeaderTimeout certificateTimeout httpChallenge.delay tlsChallenge.delay"),
        (Text, "httpChallenge.entryPoint dnsChallenge.provider"), (List, "dnsChallenge.resolvers"),
        (Off, "dnsChallenge.propagation dnsChallenge.disablePropagationCheck dnsChallenge.propagation.disableChecks"),
        (Off, "dnsChallenge.propagation.disableANSChecks dnsChallenge.propagation.requireAllRNS"),
        (Time, "dnsChallenge.delayBeforeCheck dnsChallenge.propagation.delayBeforeChecks"),
    ]),
    (NotYet, Later, &[""], &[
        (Off, "ocsp global.notAppendXForwardedFor"), (Text, "ocsp.responderOverrides.* spiffe.workloadAPIAddr"),
    ]),
    // Traefik 2 and 3: backends.
    (NotYet, Later, &["serversTransport", "tcpServersTransport.tls"], &[
        (Off, "insecureSkipVerify spiffe"), (List, "rootCAs spiffe.ids"), (Text, "spiffe.trustDomain"),
    ]),
    (NotYet, Later, &["tcpServersTransport"], &[
        (Time, "dialTimeout dialKeepAlive terminationDelay"), (Off, "tls"),
    ]),
    // Traefik 2 and 3: API and log.
    (NotYet, Later, &["api"], &[(Text, "basePath dashboardName")]),
    (Pointless, Later, &["api"], &[(Off, "disableDashboardAd")]),
    (NotYet, Later, &["log"], &[
        (Text, "filePath"), (Off, "noColor compress"), (Whole, "maxSize maxAge maxBackups"),
    ]),
    // Traefik 2 and 3: the rest.
    (Pointless, Later, &["global"], &[(Off, "checkNewVersion sendAnonymousUsage")]),
    (Pointless, Later, &["experimental"], &[
        (Off, "http3 kubernetesGateway kubernetesIngressNGINX fastProxy fastProxy.debug otlpLogs"),
    ]),
    (NotYet, Later, &["experimental"], &[(Any, "plugins localPlugins"), (Off, "abortOnPluginFailure knative")]),
    // A service of the vendor's that is no more; Traefik 3 does not start with it.
    (Pointless, Second, &[""], &[(Any, "pilot")]),
    (NotYet, Later, &[""], &[(Any, "hub")]),

    // All of them.
    (NotYet, Shared, &["api"], &[(Off, "debug")]),
    (NotYet, Shared, &["ping"], &[(Off, "manualRouting"), (Whole, "terminatingStatusCode")]),
    (NotYet, Shared, &["metrics"], &[(Off, "addInternals")]),
    (NotYet, Shared, &["metrics.prometheus"], &[
        (Off, "manualRouting"), (Text, "headerLabels.*"),
    ]),
    (NotYet, Shared, &["metrics.datadog", "metrics.statsd", "metrics.influxdb", "metrics.influxdb2"], &[
        LABELS, (Off, ". addRoutersLabels"), (Text, "address prefix"), (Time, "pushInterval"),
    ]),
    (NotYet, Shared, &["metrics.influxdb"], &[
        (Text, "protocol database retentionPolicy username password additionalLabels.*"),
    ]),
    (NotYet, Later, &["metrics.influxdb2"], &[(Text, "token org bucket additionalLabels.*")]),
    (NotYet, Later, &["metrics.otlp", "accessLog.otlp", "log.otlp", "tracing.otlp"], COLLECTOR),
    (NotYet, Later, &["metrics.otlp"], &[
        LABELS, (Off, "addRoutersLabels"), (Numbers, "explicitBoundaries"), (Time, "pushInterval"),
    ]),
    // Lines are always taken up by rings, which never make a request wait.
    (Pointless, Shared, &["accessLog"], &[(Whole, "bufferingSize")]),
    (NotYet, Shared, &["accessLog"], &[
        (Off, "addInternals dualOutput"),
    ]),
    (NotYet, Shared, &["tracing"], &[
        (Off, ". addInternals"), (Text, "serviceName resourceAttributes.* globalAttributes.*"), (Number, "sampleRate"),
        (List, "capturedRequestHeaders capturedResponseHeaders safeQueryParams"), (Whole, "spanNameLimit"),
        // Traefik 3 has them no more, and does not start with them.
        (Any, "jaeger zipkin datadog instana haystack elastic"),
    ]),
    (NotYet, Shared, &["hostResolver"], &[
        (Off, ". cnameFlattening"), (Text, "resolvConfig"), (Whole, "resolvDepth"),
    ]),
];
