//! Settings as a tree, however they were written: as labels, YAML, TOML or JSON.

/// Deepest tree that is read. Nothing of the language is nested half as deep; the bound keeps
/// the stack of everything that walks the tree small.
const MAX_DEPTH: usize = 24;

/// A name, its value, and what stands below it.
///
/// All values are texts, as Traefik's own decoder has it: what a text means depends on the option.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// As the user wrote it; an element of a list is `[0]`.
    pub name: String,
    /// Both may be there: `sticky=true` beside `sticky.cookie.name=x`.
    pub value: Option<String>,
    pub below: Vec<Node>,
}

/// A tree that is nested too deep.
#[derive(Debug, PartialEq, Eq)]
pub struct TooDeep;

impl Node {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The child of that name in any case.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.below.iter().find(|node| node.name.eq_ignore_ascii_case(name))
    }

    /// Whether it is a list with an element per child.
    pub fn is_list(&self) -> bool {
        self.below.first().is_some_and(|node| node.name.starts_with('['))
    }

    /// Puts a value below, by dotted path: `domains[0].main`. Names that differ in case alone are
    /// one, in the spelling that came first.
    pub fn insert(&mut self, path: &str, value: &str) -> Result<(), TooDeep> {
        if path.split(['.', '[']).count() > MAX_DEPTH {
            return Err(TooDeep);
        }
        let mut node = self;
        for segment in path.split('.') {
            let (name, indices) = segment.split_at(segment.find('[').unwrap_or(segment.len()));
            node = node.entry(name);
            for index in indices.split_inclusive(']') {
                node = node.entry(index);
            }
        }
        node.value = Some(value.to_owned());
        Ok(())
    }

    fn entry(&mut self, name: &str) -> &mut Node {
        let known = self.below.iter().position(|node| node.name.eq_ignore_ascii_case(name));
        let at = known.unwrap_or_else(|| {
            self.below.push(Node::new(name));
            self.below.len() - 1
        });
        &mut self.below[at]
    }

    /// What a file holds. A null is a name without a value.
    pub fn of_json(name: &str, value: &serde_json::Value) -> Result<Node, TooDeep> {
        Self::of_json_at(name, value, 0)
    }

    fn of_json_at(name: &str, value: &serde_json::Value, depth: usize) -> Result<Node, TooDeep> {
        use serde_json::Value;
        if depth > MAX_DEPTH {
            return Err(TooDeep);
        }
        let mut node = Node::new(name);
        match value {
            Value::Null => {}
            Value::Bool(switch) => node.value = Some(switch.to_string()),
            Value::Number(number) => node.value = Some(number.to_string()),
            Value::String(text) => node.value = Some(text.clone()),
            Value::Array(elements) => {
                let elements = elements.iter().enumerate();
                node.below = elements
                    .map(|(at, value)| Self::of_json_at(&format!("[{at}]"), value, depth + 1))
                    .collect::<Result<_, _>>()?;
            }
            Value::Object(fields) => {
                node.below = fields
                    .iter()
                    .map(|(name, value)| Self::of_json_at(name, value, depth + 1))
                    .collect::<Result<_, _>>()?;
            }
        }
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_files_make_the_same_tree() {
        let mut labels = Node::new("traefik");
        for (path, value) in [
            ("http.Routers.web.rule", "Path(`/`)"),
            ("http.routers.web.tls", "true"),
            ("http.routers.web.tls.domains[0].main", "a.b"),
            ("http.routers.web.tls.domains[1].main", "c.d"),
        ] {
            labels.insert(path, value).unwrap();
        }
        let file = serde_json::json!({ "http": { "Routers": { "web": {
            "rule": "Path(`/`)", "tls": { "domains": [{ "main": "a.b" }, { "main": "c.d" }] },
        } } } });
        let mut file = Node::of_json("traefik", &file).unwrap();
        let tls = |node: &mut Node| {
            let path = ["http", "Routers", "web", "tls"];
            path.into_iter().fold(node, |node, name| node.entry(name)).value.take()
        };
        assert_eq!((tls(&mut labels).as_deref(), tls(&mut file)), (Some("true"), None));
        assert_eq!(labels, file);
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        let mut node = Node::new("");
        assert_eq!(node.insert(&"a.".repeat(1_000_000), ""), Err(TooDeep));
        let deep =
            (0..MAX_DEPTH + 2).fold(serde_json::json!(1), |below, _| serde_json::json!([below]));
        assert_eq!(Node::of_json("", &deep), Err(TooDeep));
        assert_eq!(node, Node::new(""));
    }
}
