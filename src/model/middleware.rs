//! What may stand between a router and its service.

use super::Dialect;

/// A step on a request or on its answer. None of them is taken yet: a router that names one is
/// disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Middleware {
    /// Qualified name, the key in [`super::Model::middlewares`].
    pub name: String,
    pub provider: String,
    pub dialect: Dialect,
    /// As Traefik spells it: `basicAuth`, `stripPrefix`.
    pub kind: String,
    /// In the API's shape.
    pub options: serde_json::Value,
    /// What is wrong with it; a router that names it is disabled.
    pub disabled: Option<String>,
}
