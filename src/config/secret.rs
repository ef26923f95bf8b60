//! What may be shown of values: the API may be open to more people than the swarm is.

/// Values of settings with such a word in their names are not shown.
const SECRETS: [&str; 9] = [
    "password",
    "secret",
    "token",
    "users",
    "auth.basic",
    "auth.digest",
    "tls.key",
    "credentials",
    "http.headers.",
];

/// And values in which such a field stands: Traefik 1's entry points, in one value.
const FIELDS: [&str; 2] = ["auth.basic.users:", "auth.digest.users:"];

/// The value of a setting as it may be shown: never a password, in no place.
pub fn shown_value(setting: &str, value: &str) -> String {
    let (name, text) = (setting.to_ascii_lowercase(), value.to_ascii_lowercase());
    let named = SECRETS.iter().any(|secret| name.contains(secret));
    let within = FIELDS.iter().any(|field| text.contains(field));
    if !value.is_empty() && (named || within) {
        return "(hidden)".to_owned();
    }
    without_credentials(value)
}

/// `tcp://user:password@host` without what stands before the `@`.
pub fn without_credentials(url: &str) -> String {
    if let Some((scheme, rest)) = url.split_once("://") {
        let authority = rest.split('/').next().unwrap_or(rest);
        if let Some((_, host)) = authority.rsplit_once('@') {
            return format!("{scheme}://{host}{}", &rest[authority.len()..]);
        }
    }
    url.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        assert_eq!(shown_value("traefik.port", "http"), "http");
        assert_eq!(shown_value("traefik.frontend.auth.basic.users", "a:$apr1$x"), "(hidden)");
        let in_one = "Name:http Auth.Basic.Users:a:$apr1$x";
        assert_eq!(shown_value("entryPoints", in_one), "(hidden)");
        assert_eq!(shown_value("providers.http.headers.X-Key", "abc"), "(hidden)");
        assert_eq!(without_credentials("tcp://me:pw@[::1]:2375/a@b"), "tcp://[::1]:2375/a@b");
        assert_eq!(
            without_credentials("unix:///var/run/docker.sock"),
            "unix:///var/run/docker.sock"
        );
    }
}
