//! Names as Traefik makes them from service names and rules.

/// Words of letters and digits, joined by `-`: `mystack_app` is `mystack-app`.
pub fn normalize(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// Traefik 1's default rule; `None` without a domain, which costs the service its place.
pub fn default_rule_of_first(name: &str, domain: &str) -> Option<String> {
    if domain.is_empty() {
        return None;
    }
    let sub = name.strip_prefix('/').unwrap_or(name).replace(['/', '_'], "-");
    Some(format!("Host:{sub}.{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalized() {
        assert_eq!(normalize("mystack_app"), "mystack-app");
        assert_eq!(normalize("/a//b."), "a-b");
        assert_eq!(normalize("Method: GET, POST-0"), "Method-GET-POST-0");
        assert_eq!(normalize("__"), "");
    }

    #[test]
    fn default_rules() {
        assert_eq!(default_rule_of_first("/s_w", "x.org").as_deref(), Some("Host:s-w.x.org"));
        assert_eq!(default_rule_of_first("s", ""), None);
    }
}
