//! Traefik 1's entry points in one value: `Name:http Address::80 Compress:true`.
//!
//! Fields are separated by blanks; the first colon ends a field's name, which is read in any
//! case. A list takes commas. A switch is on for `true`, `enable` and `on`, else off.

use crate::model::{Complaint, Severity};
use crate::nearest::nearest;

use super::tree::{Setting, setting};

enum Kind {
    Switch,
    Text,
}

use Kind::{Switch, Text};

/// Fields, and what they are called below `entryPoints.<name>` in a file.
#[rustfmt::skip]
const FIELDS: &[(&str, Kind, &str)] = &[
    ("Address", Text, "address"),
    ("TLS.MinVersion", Text, "tls.minVersion"),
    ("TLS.CipherSuites", Text, "tls.cipherSuites"),
    ("TLS.SniStrict", Switch, "tls.sniStrict"),
    ("TLS.DefaultCertificate.Cert", Text, "tls.defaultCertificate.certFile"),
    ("TLS.DefaultCertificate.Key", Text, "tls.defaultCertificate.keyFile"),
    ("CA", Text, "tls.clientCA.files"),
    ("CA.Optional", Switch, "tls.clientCA.optional"),
    ("Redirect.EntryPoint", Text, "redirect.entryPoint"),
    ("Redirect.Regex", Text, "redirect.regex"),
    ("Redirect.Replacement", Text, "redirect.replacement"),
    ("Redirect.Permanent", Switch, "redirect.permanent"),
    ("Compress", Switch, "compress"),
    ("WhiteList.SourceRange", Text, "whiteList.sourceRange"),
    ("WhiteList.UseXForwardedFor", Switch, "whiteList.useXForwardedFor"),
    ("WhiteListSourceRange", Text, "whitelistSourceRange"),
    ("ProxyProtocol.TrustedIPs", Text, "proxyProtocol.trustedIPs"),
    ("ProxyProtocol.Insecure", Switch, "proxyProtocol.insecure"),
    ("ForwardedHeaders.TrustedIPs", Text, "forwardedHeaders.trustedIPs"),
    ("ForwardedHeaders.Insecure", Switch, "forwardedHeaders.insecure"),
    ("Auth.Basic.Users", Text, "auth.basic.users"),
    ("Auth.Basic.RemoveHeader", Switch, "auth.basic.removeHeader"),
    ("Auth.Digest.Users", Text, "auth.digest.users"),
    ("Auth.Digest.RemoveHeader", Switch, "auth.digest.removeHeader"),
    ("Auth.HeaderField", Text, "auth.headerField"),
    ("Auth.Forward.Address", Text, "auth.forward.address"),
    ("Auth.Forward.TrustForwardHeader", Switch, "auth.forward.trustForwardHeader"),
    ("Auth.Forward.AuthResponseHeaders", Text, "auth.forward.authResponseHeaders"),
    ("Auth.Forward.TLS.CA", Text, "auth.forward.tls.ca"),
    ("Auth.Forward.TLS.CAOptional", Switch, "auth.forward.tls.caOptional"),
    ("Auth.Forward.TLS.Cert", Text, "auth.forward.tls.cert"),
    ("Auth.Forward.TLS.Key", Text, "auth.forward.tls.key"),
    ("Auth.Forward.TLS.InsecureSkipVerify", Switch, "auth.forward.tls.insecureSkipVerify"),
];

const EXAMPLE: &str = "write 'Name:http Address::80'";

/// The settings that a file would have in the place of such a value; others stay what they are.
pub(super) fn expand(given: Setting, complaints: &mut Vec<Complaint>) -> Vec<Setting> {
    if given.key != "entrypoints" {
        return vec![given];
    }
    let text = given.value.clone().unwrap_or_default();
    let fields: Vec<(&str, &str)> =
        text.split_whitespace().map(|field| field.split_once(':').unwrap_or((field, ""))).collect();
    let of = |wanted: &str| {
        let mut found = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next_back().map_or("", |(_, value)| *value)
    };
    let name = of("Name");
    let problem = match () {
        () if text.is_empty() => "has no value",
        () if name.is_empty() => "has no name",
        () if name.contains('.') => "has a name with a dot",
        () if of("Address").is_empty() => "has no address",
        () => "",
    };
    // What is left of it tells that Traefik 1 is spoken.
    let mut all = vec![Setting { value: Some(String::new()), ..given.clone() }];
    if !problem.is_empty() {
        complaints.push(given.complain(Severity::Error, problem, EXAMPLE));
        return all;
    }
    for (field, value) in fields {
        let below = |option: &str, value: Option<&str>| {
            let key = format!("entryPoints.{name}.{option}");
            let spelled = format!("{} Name:{name} {field}", given.spelled);
            setting(&key, &spelled, value, given.source.clone())
        };
        let known = FIELDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(field));
        match known {
            _ if field.eq_ignore_ascii_case("Name") => {}
            _ if field.eq_ignore_ascii_case("TLS") => {
                all.push(below("tls", None));
                for (at, pair) in value.split(';').filter(|pair| !pair.is_empty()).enumerate() {
                    let (cert, key) = pair.split_once(',').unwrap_or((pair, ""));
                    all.push(below(&format!("tls.certificates[{at}].certFile"), Some(cert)));
                    all.push(below(&format!("tls.certificates[{at}].keyFile"), Some(key)));
                }
            }
            // Without a value the others say nothing, as in Traefik.
            Some(_) if value.is_empty() => {}
            Some((_, Switch, option)) => {
                all.push(below(option, Some(if on(value) { "true" } else { "false" })));
            }
            Some((_, Text, option)) => all.push(below(option, Some(value))),
            None => {
                let near = nearest(field, FIELDS.iter().map(|(name, ..)| *name));
                let remedy = match near {
                    Some(near) => format!("did you mean {near}?"),
                    None => EXAMPLE.to_owned(),
                };
                let problem = "is not a known field and is ignored";
                complaints.push(below("", None).complain_of_name(problem, remedy));
            }
        }
    }
    all
}

fn on(value: &str) -> bool {
    ["true", "enable", "on"].iter().any(|word| value.eq_ignore_ascii_case(word))
}
