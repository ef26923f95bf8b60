//! Names as Traefik makes them from service names and rules.

use crate::config::value::Wrong;

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

/// The default rule of the later dialects, a Go template of which the service's name is
/// understood, normalised or not.
pub fn default_rule(template: &str, name: &str) -> Result<String, Wrong> {
    let mut rule = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((action, behind)) = after.split_once("}}") else {
            return Err(Wrong::new("has a template action that is not closed", "add }}"));
        };
        rule.push_str(before);
        let words: Vec<&str> = action.trim_matches('-').split_whitespace().collect();
        match words.as_slice() {
            ["normalize", ".Name"] | [".Name", "|", "normalize"] => rule.push_str(&normalize(name)),
            [".Name"] => rule.push_str(name),
            _ => {
                let problem = format!(
                    "has the template action {:?}, which is not supported yet",
                    action.trim()
                );
                return Err(Wrong::new(problem, "use {{ normalize .Name }} or {{ .Name }}"));
            }
        }
        rest = behind;
    }
    rule.push_str(rest);
    Ok(rule)
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
        let rule = |template| default_rule(template, "s_w");
        assert_eq!(rule("Host(`{{ normalize .Name }}`)").as_deref(), Ok("Host(`s-w`)"));
        assert_eq!(rule("Host(`{{.Name}}.x`)").as_deref(), Ok("Host(`s_w.x`)"));
        assert_eq!(rule("Path(`/x`)").as_deref(), Ok("Path(`/x`)"));
        assert!(
            rule("Host(`{{ index .Labels \"x\" }}`)")
                .unwrap_err()
                .problem
                .contains("not supported")
        );
        assert!(rule("Host(`{{ .Name").is_err());
    }
}
