"""Whole dynamic configurations, and what is asked of them, for both generations.

A world is what one HTTP provider says: routers, services and middlewares. Servers stand at fixed
addresses, so that cookies and hashes are the same wherever this is recorded or replayed.
"""

import random

PORT = 29099
SERVERS = [f"127.99.0.{n}:{PORT}" for n in (1, 2, 3)]
A, B, C = (f"http://{server}" for server in SERVERS)
# Nobody listens here.
DEAD = f"http://127.99.0.9:{PORT}"


def balancer(*urls, **more):
    return {"loadBalancer": {"servers": [{"url": url} for url in urls], **more}}


def cookie(**more):
    return {"sticky": {"cookie": more}}


def router(rule, service, **more):
    return {"rule": rule, "service": service, **more}


def group(kind, **more):
    return {kind: more}


def members(*names, **weights):
    return [{"name": name, "weight": weights.get(name, 1)} for name in names]


def services(generation):
    """Services by name, each a case of its own."""
    found = {
        "one": balancer(A),
        "two": balancer(A, B),
        "three": balancer(A, B, C),
        "none": balancer(),
        "dead": balancer(DEAD),
        "own-host": balancer(A, passHostHeader=False),
        "slash": balancer(A + "/"),
        "path": balancer(A + "/base"),
        "twice": balancer(A, A, B),
        "sticky": balancer(A, B, **cookie()),
        "sticky-slash": balancer(A + "/", B + "/", **cookie()),
        "sticky-named": balancer(A, B, **cookie(name="stay")),
        "sticky-odd-name": balancer(A, B, **cookie(name="a b;c=d")),
        "sticky-secure": balancer(A, B, **cookie(secure=True, httpOnly=True, sameSite="lax")),
        "sticky-none": balancer(A, B, **cookie(name="n", sameSite="none")),
        "flush": balancer(A, responseForwarding={"flushInterval": "1s"}),
        "checked": balancer(A, healthCheck={"path": "/health", "interval": "1s", "timeout": "1s"}),
        "weighted": group("weighted", services=members("one", "path")),
        "weighted-sticky": group("weighted", services=members("two", "own-host"), **cookie(name="top")),
        "weighted-zero": group("weighted", services=members("one", "own-host", **{"own-host": 0})),
        "weighted-deep": group("weighted", services=members("weighted", "flush")),
        "weighted-lost": group("weighted", services=members("one", "nowhere")),
        "mirrored": group("mirroring", service="one", mirrors=[{"name": "dead", "percent": 100}]),
        "failing-over": group("failover", service="one", fallback="two"),
        "two-kinds": {**balancer(A), **group("weighted", services=members("one"))},
        "no-kind": {},
    }
    if generation == "v3":
        heavy = {"loadBalancer": {"servers": [{"url": A, "weight": 2}, {"url": B}]}}
        kept = {"loadBalancer": {"servers": [{"url": A + "/base/", "preservePath": True}]}}
        found |= {
            "heavy": heavy,
            "kept-path": kept,
            "sticky-age": balancer(A, B, **cookie(maxAge=42)),
            "sticky-minus": balancer(A, B, **cookie(name="m", maxAge=-1)),
            "sticky-path": balancer(A, B, **cookie(name="p", path="/deep", domain="a.b")),
            "p2c": balancer(A, strategy="p2c"),
            "unknown-strategy": balancer(A, strategy="best"),
        }
    return found


def below(service):
    """Names of services that a service names."""
    found = set()
    for kind in service.values():
        found |= {member["name"] for member in kind.get("services", []) + kind.get("mirrors", [])}
        found |= {kind[key] for key in ("service", "fallback") if key in kind}
    return found


def hand_made(generation):
    """Name, routers, services, middlewares."""
    known = services(generation)
    host = {"v2": "HostRegexp(`{x:[a-z]+}.b`)", "v3": r"HostRegexp(`^[a-z]+\.b$`)"}[generation]
    for name, service in known.items():
        needed = {"one", name} | below(service)
        for other in list(needed & known.keys()):
            needed |= below(known[other])
        of_name = {other: known[other] for other in known if other in needed}
        yield f"service {name}", {"r": router("PathPrefix(`/`)", name)}, of_name, {}
    base = {name: known[name] for name in ("one", "two", "own-host", "none")}
    yield "priorities", {
        "long": router("Host(`a.b`) && PathPrefix(`/a`)", "one"),
        "short": router("Host(`a.b`)", "own-host"),
        "first": router("Path(`/ab`)", "none", priority=1000),
        "last": router("PathPrefix(`/`)", "none", priority=1),
        "pattern": router(host, "own-host"),
    }, base, {}
    yield "negative priority", {
        "r": router("Host(`a.b`)", "one", priority=-1),
        "s": router("PathPrefix(`/`)", "own-host", priority=-2),
    }, base, {}
    yield "too great a priority", {
        "r": router("Host(`a.b`)", "one", priority=9223372036854775807),
        "s": router("PathPrefix(`/`)", "own-host"),
    }, base, {}
    yield "entry points", {
        "web": router("PathPrefix(`/`)", "one", entryPoints=["web"]),
        "all": router("Host(`a.b`)", "own-host"),
        "nowhere": router("Path(`/nowhere`)", "one", entryPoints=["nope"]),
        "half": router("Path(`/half`)", "own-host", entryPoints=["nope", "web"]),
        "other": router("Path(`/other`)", "one", entryPoints=["other"]),
    }, base, {}
    yield "broken rules", {
        "one": router("Hots(`a.b`)", "one"),
        "two": router("Host(`a.b`", "one"),
        "three": router("", "one"),
        "four": router("Host(`a.b`) &&", "one"),
        "five": router("Path(`a`)", "one"),
        "six": router("PathPrefix(`/`) && Query()", "one"),
        "good": router("PathPrefix(`/`)", "own-host"),
    }, base, {}
    yield "lost names", {
        "service": router("Path(`/a`)", "nowhere"),
        "middleware": router("Path(`/ab`)", "one", middlewares=["nowhere"]),
        "provider": router("Path(`/x`)", "one@nowhere"),
        "own": router("Path(`/own`)", "one@http"),
        "good": router("PathPrefix(`/`)", "own-host"),
    }, base, {}
    yield "protected", {
        "r": router("Path(`/a`)", "one", middlewares=["auth"]),
        "s": router("PathPrefix(`/`)", "own-host", middlewares=["auth", "strip"]),
        "good": router("Path(`/ab`)", "one"),
    }, base, {
        "auth": {"basicAuth": {"users": ["me:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"]}},
        "strip": {"stripPrefix": {"prefixes": ["/a"]}},
    }
    yield "broken middleware", {
        "r": router("Path(`/a`)", "one", middlewares=["list"]),
        "good": router("PathPrefix(`/`)", "own-host"),
    }, base, {"list": {"ipAllowList" if generation == "v3" else "ipWhiteList": {"sourceRange": ["x"]}}}
    yield "circle", {
        "r": router("Path(`/a`)", "round"),
        "good": router("PathPrefix(`/`)", "one"),
    }, {
        **base,
        "round": group("weighted", services=members("about")),
        "about": group("weighted", services=members("round")),
    }, {}
    yield "no service named", {"r": {"rule": "PathPrefix(`/`)"}}, {"one": known["one"]}, {}
    yield "syntax by router" if generation == "v3" else "same names", {
        "r": router("Path(`/a{x:b?}`)", "one", **({"ruleSyntax": "v2"} if generation == "v3" else {})),
        "s": router("PathPrefix(`/`)", "own-host"),
    }, base, {}


def leaves(generation):
    common = [
        "Host(`a.b`)", "Host(`c.d`)", "Path(`/a`)", "Path(`/ab`)", "PathPrefix(`/a`)",
        "PathPrefix(`/a/`)", "PathPrefix(`/x`)", "Method(`GET`)", "Method(`POST`)",
        "ClientIP(`127.0.0.0/8`)", "ClientIP(`10.0.0.0/8`)",
    ]  # fmt: skip
    of = {
        "v2": [
            "Host(`a.b`, `c.d`)", "HostHeader(`a.b`)", "HostRegexp(`{x:[ac]}.{y:[bd]}`)",
            "Path(`/a`, `/x`)", "Path(`/{x:[0-9]+}`)", "PathPrefix(`/{x:a|b}`)", "Query(`a=1`, `b=2`)",
            "Headers(`X-A`, `v`)", "HeadersRegexp(`X-A`, `^[uv]`)", "Method(`GET`, `HEAD`)",
        ],
        "v3": [
            r"HostRegexp(`^[ac]\.[bd]$`)", r"HostRegexp(`\.b`)", "PathRegexp(`^/[0-9]+$`)",
            "PathRegexp(`b$`)", "Query(`a`)", "Query(`a`, `1`)", "QueryRegexp(`a`, `^1`)",
            "Header(`X-A`, `v`)", "HeaderRegexp(`X-A`, `^[uv]`)",
        ],
    }  # fmt: skip
    return common + of[generation]


def rule(generation, chance, depth=0):
    if depth == 3 or chance.random() < (0.1, 0.4, 0.7)[min(depth, 2)]:
        found = chance.choice(leaves(generation))
        return "!" + found if chance.random() < 0.2 else found
    parts = [rule(generation, chance, depth + 1) for _ in range(chance.choice((2, 2, 3)))]
    joined = chance.choice((" && ", " || ", "&&", "||")).join(parts)
    return f"({joined})" if chance.random() < 0.6 else joined


def rules(generation, count):
    """Rules made by lot, of what is known to mean the same."""
    chance = random.Random(f"rules of {generation}")
    found = set()
    while len(found) < count:
        found.add(rule(generation, chance))
    return sorted(found)


def by_lot(generation, count):
    chance = random.Random(f"worlds of {generation}")
    known = services(generation)
    plain = ["one", "two", "three", "own-host", "sticky-named", "path", "none", "weighted"]
    for number in range(count):
        routers = {}
        for index in range(chance.randint(2, 8)):
            # Of equal priorities Traefik takes either.
            more = {"priority": 10 * index + 1} if chance.random() < 0.7 else {"priority": 500 + index}
            routers[f"r{index}"] = router(rule(generation, chance), chance.choice(plain), **more)
        used = {"one", "path"} | {router["service"] for router in routers.values()}
        yield f"by lot {number}", routers, {name: known[name] for name in plain if name in used}, {}


def worlds(generation):
    everything = [*hand_made(generation), *by_lot(generation, 20)]
    for name, routers, of_name, middlewares in everything:
        http = {"routers": routers, "services": of_name}
        if middlewares:
            http["middlewares"] = middlewares
        yield name, {"http": http}


def requests():
    """Entry point, method, target, field lines (Host among them) and body."""
    plain = [
        ("GET", "/", ["Host: a.b"], ""),
        ("GET", "/a", ["Host: a.b"], ""),
        ("GET", "/a/b?x=1&y=a+b%20c", ["Host: A.b:8080", "X-A: v"], ""),
        ("GET", "/ab", ["Host: c.d", "X-A: uv", "X-A: w"], ""),
        ("GET", "/x/../a//b/./c", ["Host: x.b"], ""),
        ("GET", "/%61%2Fb%3f%20%C3%A4", ["Host: a.b"], ""),
        ("GET", "/12?a=1&b=2", ["Host: a.b.", "X-A: v"], ""),
        ("POST", "/a", ["Host: a.b", "Content-Type: text/plain", "Content-Length: 5"], "hello"),
        ("HEAD", "/ab?a=12", ["Host: a.b"], ""),
        ("OPTIONS", "/x", ["Host: c.d", "Origin: http://a.b"], ""),
        (
            "GET", "/own",
            ["Host: a.b", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: e.f",
             "X-Forwarded-Proto: https", "X-Real-Ip: 1.2.3.4", "X-Forwarded-Server: me",
             "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /p"], "",
        ),
        (
            "GET", "/half",
            ["Host: a.b", "Connection: x-gone, keep-alive", "X-Gone: 1", "Keep-Alive: 5",
             "TE: trailers, gzip", "Proxy-Connection: x", "Via: 1.0 me", "Accept: */*",
             "User-Agent: me", "Accept-Encoding: gzip", "Cookie: a=b; c=d"], "",
        ),
    ]  # fmt: skip
    for method, target, fields, body in plain:
        yield "web", method, target, fields, body
    yield "other", "GET", "/", ["Host: a.b"], ""
    yield "other", "GET", "/other", ["Host: a.b"], ""
