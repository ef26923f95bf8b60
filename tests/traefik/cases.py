"""What Traefik and Ringress are asked: rules of the second and third generation, and requests."""

THIRD = [
    r'HostRegexp(`^[a-z]+\.b$`)',
    "HostRegexp(`b`)",
    r'HostRegexp(`(?i)A\.b`)',
    "Host(`*.b`)",
    "Host(`A.b.`)",
    "Host(`*`)",
    "Host(`a.b:80`)",
    "Path(`/a b`)",
    "Path(`/a%20b`)",
    "Path(`/a%2Fb`)",
    "Path(`/a%2fb`)",
    "Path(`/ä`)",
    "Path(`/%C3%A4`)",
    "Path(`/a{x}`)",
    "PathPrefix(`/{x}`)",
    "PathPrefix(`/a`)",
    "Path(`/a//b`)",
    'Path(`/a"b`)',
    "Path(`/a|b`)",
    "Path(`/a^b`)",
    "Path(`/a@b`)",
    "Path(`/a%40b`)",
    "Path(`/%`)",
    "Path(`/%25`)",
    "Path(`/a[b]`)",
    "Path(`/a;b`)",
    "PathRegexp(`^/a.b$`)",
    "PathRegexp(`ä`)",
    r'PathRegexp(`^/[\w]+$`)',
    "PathRegexp(`%2F`)",
    "PathRegexp(`%20`)",
    "PathRegexp(` `)",
    "PathRegexp(`^/a{1,2}$`)",
    "PathRegexp(`^/a{x}$`)",
    "PathRegexp(`^/[[]`)",
    "PathRegexp(`^/[a&&b]+$`)",
    r'PathRegexp(`\Qa+b\E`)',
    r'PathRegexp(`^/\d+$`)',
    "PathRegexp(`(?i)^/AB`)",
    "PathRegexp(`(?P<x>a)b`)",
    r'PathRegexp(`a\b`)',
    r'PathRegexp(`\x61b`)',
    r'PathRegexp(`^/\pL+$`)',
    "PathRegexp(`^/.$`)",
    "Query(`a`)",
    "Query(`a`,`1`)",
    "Query(`a b`,`c d`)",
    "Query(`ä`,`ö`)",
    "Query(`a`,`1;b`)",
    "QueryRegexp(`a`,`^[0-9]+$`)",
    "QueryRegexp(`a`)",
    "QueryRegexp(`a`,`b|1`)",
    "Header(`x-a`,`v`)",
    "HeaderRegexp(`X-A`,`^[uv]+$`)",
    "HeaderRegexp(`X-A`,`,`)",
    "ClientIP(`127.0.0.0/8`)",
    "ClientIP(`10.0.0.1`)",
    "ClientIP(`::1`)",
    "!Query(`a`)",
    "Host(`a.b`) && !PathRegexp(`b`) || Query(`a`,`1`)",
]

SECOND = [
    "HostRegexp(`{x:[a-z]+}.b`)",
    "HostRegexp(`{x}.b`)",
    "HostRegexp(`a.b`)",
    "HostRegexp(`A.b`,`c.d`)",
    "HostRegexp(`{x:(a|c)}.{y:[bd]}`)",
    "Path(`/a/{x}`)",
    "Path(`/a/{x:[0-9]+}`)",
    "PathPrefix(`/a/{x}`)",
    "PathPrefix(`/{x:a|ab}`)",
    "Path(`/a b`)",
    "Path(`/a%20b`)",
    "Path(`/a%2Fb`)",
    "Path(`/ä`)",
    "Path(`/{x:.+}b`)",
    "Path(`/a.b`)",
    "PathPrefix(`/a`)",
    "Path(`/{x:[a-z]{2}}`)",
    "Path(`/a/`)",
    "Query(`a=1`)",
    "Query(`a=`)",
    "Query(`a={x:[0-9]+}`)",
    "Query(`a=1`,`b=2`)",
    "Query(`a={x}`)",
    "Query(`a=b=c`)",
    "Query(`a b=c d`)",
    "Headers(`x-a`,`v`)",
    "HeadersRegexp(`X-A`,`[uv]`)",
    "HeadersRegexp(`X-A`,`^v$`)",
    "ClientIP(`127.0.0.0/8`,`10.0.0.1`)",
    "ClientIP(`10.0.0.1`)",
    "Method(`get`,`POST`)",
    "Host(`a.b`,`c.d`) && !Path(`/a`)",
]

HOSTS = ["a.b", "A.b", "a.b.", "a.a.b", "b", "c.d", "x.b:80", "1.b"]
PATHS = [
    "/", "/a", "/ab", "/a/b", "/a%20b", "/a%2Fb", "/a%2fb", "/%C3%A4", "/a/1", "/a/12", "/a/",
    "/%7Bx%7D", "/a%22b", "/a%7Cb", "/a@b", "/a%40b", "/%25", "/a%25b", "/a[b]", "/a;b", "/a+b",
    "/a&b", "/123", "/a.b", "/aa", "/a%7Bx%7D", "/%5B", "/[x", "/xb", "//a", "/a//b", "/a/../ab",
    "/%41b", "/%5Eb", "/a%5Eb",
]  # fmt: skip
QUERIES = [
    "", "?", "?a", "?a=", "?a=1", "?a=12&b=2", "?b=2&a=1", "?a=2&a=1", "?a+b=c+d", "?a%20b=c%20d",
    "?%C3%A4=%C3%B6", "?a=1;b", "?a=%zz", "?a=b=c", "?a=1&b=2",
]  # fmt: skip
FIELDS = [[], ["X-A: v"], ["x-a: uv"], ["X-A: w", "X-A: v"], ["X-A: v, w"]]


def requests():
    """Host, target and field lines."""
    for host in HOSTS:
        for path in ("/", "/a", "/ab"):
            yield host, path, []
    for path in PATHS:
        yield "a.b", path, []
        yield "c.d", path + "?a=1", ["X-A: v"]
    for query in QUERIES:
        yield "a.b", "/a" + query, []
        yield "c.d", "/" + query, ["X-A: v"]
    for fields in FIELDS:
        yield "a.b", "/", fields


def wire(request):
    host, target, fields = request
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "Connection: close", "", ""]
    return "\r\n".join(lines).encode()
