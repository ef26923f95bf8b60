//! Where Ringress answers otherwise than Traefik, on purpose.

/// Parts of the version, of the world's name, of what was asked, and of both answers.
#[derive(Debug)]
pub struct Row {
    pub version: &'static str,
    pub world: &'static str,
    pub what: &'static str,
    pub theirs: &'static str,
    pub ours: &'static str,
    pub why: &'static str,
}

const ANY: Row = Row { version: "", world: "", what: "", theirs: "", ours: "", why: "" };

pub const DIFFERENCES: &[Row] = &[
    Row {
        world: "weighted-lost",
        why: "a group answers with the members that exist; Traefik refuses all of it",
        ..ANY
    },
    Row {
        world: "failing-over",
        why: "a failover needs no health check: a server that refuses connections is known",
        ..ANY
    },
    Row {
        world: "protected",
        why: "middlewares are not done yet; a router with one is never served without; \
              passwords are not shown",
        ..ANY
    },
    Row {
        version: "v3",
        world: "by lot",
        what: "Host: a.b.\\r\\n",
        why: "rules see one form of a host: a dot at its end is no way around them",
        ..ANY
    },
    Row {
        what: "serverStatus",
        theirs: "UP",
        ours: "DOWN",
        why: "a server that accepts no connection is shown as down",
        ..ANY
    },
    Row {
        what: "serverStatus",
        theirs: "nothing",
        why: "a service that no router uses is watched, too",
        ..ANY
    },
    Row { world: "twice", why: "a server that is listed twice is one server", ..ANY },
    Row {
        world: "two-kinds",
        why: "a service of two kinds is shown without them: it is none",
        ..ANY
    },
    Row { world: "no-kind", why: "a service of no kind is shown as an empty one", ..ANY },
    Row {
        version: "v3",
        world: "unknown-strategy",
        why: "a strategy that does not exist is shown as the usual one",
        ..ANY
    },
    Row {
        world: "sticky-odd-name",
        what: "loadBalancer",
        version: "v2",
        why: "the name of a cookie is shown as it is sent",
        ..ANY
    },
    Row {
        version: "v2",
        theirs: "[(405, ",
        ours: "[(404, ",
        why: "a request that no rule takes gets 404, whatever its method, as from Traefik 3",
        ..ANY
    },
    Row {
        version: "v2",
        what: "priority",
        ours: "null",
        why: "a priority that is the usual one is not shown, though it was written",
        ..ANY
    },
    Row {
        what: "routers own@http service",
        why: "names are shown without the provider that they share with who names them",
        ..ANY
    },
];
