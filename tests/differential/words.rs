//! What requests are made of: the ordinary, the odd, and what has split parsers before.

pub type Words = &'static [&'static [u8]];

pub const METHODS: Words = &[
    b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"PROPFIND",
    b"PURGE", b"M-SEARCH", b"QUERY", b"get", b"Post", b"GETX", b"CONNECT", b"PRI", b"", b" GET",
    b"\tGET", b"G T", b"G\tT", b"GET\x00", b"GET:", b"G/T", b"\"GET\"", b"!#$%&'*+-.^_`|~1a",
    b"\xc3\x84", b"AVERYLONGMETHODNAMETHATNOSERVERHASASMALLTABLEFOR",
];

/// Pieces of a path or a query.
pub const SEGMENTS: Words = &[
    b"a", b"a", b"b.html", b"..", b".", b"...", b"%2e", b"%2E%2e", b".%2e", b"%2f", b"%5c", b"\\",
    b"..\\", b"%00", b"%0d%0a", b"%0a", b"%20", b"%09", b"%25", b"%252e", b"%7e", b"~", b"%41",
    b"%c3%a4", b"%ff", b"%23", b"%3f", b"%3F", b"%3b", b"%zz", b"%", b"%4", b"%u0041", b";x=1",
    b"..;", b"*", b"+", b"&", b"=", b"@", b":", b"://", b",", b"!", b"$", b"'", b"(", b")", b"-",
    b"_", b"[", b"]", b"{", b"}", b"|", b"^", b"`", b"\"", b"<", b">", b"#", b"?", b"", b"",
    b"\xc3\xa4", b"\xff", b"\x80", b" ", b"\t", b"\x0b", b"\x0c", b"\x00", b"\x7f", b"\x01",
    b"\r", b"\n", b"\r\n", b" HTTP/1.1\r\nX: y\r\n\r\n", b"HTTP/1.1", b"http://x/",
];

/// In front of a path.
pub const AUTHORITIES: Words = &[
    b"http://a", b"http://A.B", b"HTTP://a", b"https://a", b"http://a:80", b"http://a:", b"http://",
    b"http:/", b"http:", b"http:a", b"https://[::1]:8", b"http://u@a", b"http://u:p@a", b"ftp://a",
    b"ws://a", b"//a", b"///", b"http://a%41", b"http://a\\b", b"http://a b", b"http://\xc3\xa4",
    b"http://_a", b"http://a.", b"http://*", b"://a", b"a", b"a:80", b"*", b"http://a,b",
    b"http://a'b", b"http://a!$&(b)*+;=", b"http://-", b"http://~",
];

pub const VERSIONS: Words = &[
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/2",
    b"HTTP/1.", b"HTTP/1", b"HTTP/.1", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1.01", b"HTTP/1,1",
    b"http/1.1", b"HTTP /1.1", b"HTTP/ 1.1", b"HTTP/1.1 ", b"HTTP/1.1\t", b"HTTP/1.1 x", b" HTTP/1.1",
    b"\tHTTP/1.1", b"HTTP/1.1\x00", b"HTTP/+1.1", b"HTTP/1.-1", b"ICY/1.1", b"", b"HTTP/",
];

pub const HOSTS: Words = &[
    b"a", b"a.b", b"A.b.", b"a:80", b"a:", b"a:0", b"a:00080", b"a:65536", b"a:+1", b"a:x", b"[::1]",
    b"[::1]:80", b"[::1", b"::1", b"127.0.0.1", b"", b" ", b"a b", b"a\tb", b"a,b", b"a/b", b"a?b",
    b"a#b", b"a\\b", b"u@a", b"a%41", b"http://a", b"_a", b"-a", b"a..b", b".", b"..", b"*", b"*.a",
    b"\xc3\xa4", b"a\x00", b"a\x7f", b"!$&'()*+;=~", b"a;b", b"a'b", b"xn--a", b"1", b"0x7f.1",
    b"a, a", b"<a>", b"\"a\"", b"a|b", b"[v1.a]", b"[::1%25lo]", b"(a)", b"sentinel",
];

/// Names that mean something to some server.
pub const NAMES: Words = &[
    b"Accept", b"X-A", b"x-a", b"X_A", b"X.A", b"X-B", b"Cookie", b"cookie", b"Range", b"Date",
    b"If-Match", b"User-Agent", b"Referer", b"Authorization", b"Content-Type", b"Content-Encoding",
    b"Content-Range", b"Accept-Encoding", b"Via", b"Forwarded", b"Max-Forwards", b"Trailer",
    b"Keep-Alive", b"Proxy-Connection", b"Proxy-Authorization", b"Proxy-Authenticate", b"Proxy",
    b"X-Forwarded-Host", b"X-Forwarded-Proto", b"X-Forwarded-Port", b"X-Forwarded-Server",
    b"X-Forwarded-Prefix", b"X_Forwarded_For", b"X-Forwarded_For", b"X-Real-Ip", b"X-Original-URL",
    b"X-Rewrite-URL", b"X-HTTP-Method-Override", b"Content_Length", b"Transfer_Encoding",
    b"Content-Length2", b"Xontent-Length", b"TE", b"HTTP2-Settings", b"Sec-WebSocket-Key", b"Status",
    b"!#$%&'*+-.^_`|~1a", b"1", b"_", b"-", b"Host2", b"Sec-Fetch-Site", b"Origin",
];

/// Names that are none.
pub const BAD_NAMES: Words = &[
    b"", b" X", b"\tX", b"X ", b"X\t", b"X Y", b"X\x00", b"X\x0b", b"X\r", b"X\n", b"X\x7f", b"\xc3\xa4",
    b"X(", b"X)", b"X/", b"X@", b"X[", b"X\\", b"X{", b"X,", b"X;", b"X<", b"X=", b"X?", b"\"X\"",
    b"\xef\xbb\xbfX", b"GET / HTTP/1.1\r\nX", b"Content-Length ", b"Transfer-Encoding ",
    b"Transfer-Encoding\t", b"\x00Transfer-Encoding", b"Transfer-Encoding\x0b", b"Host ",
];

pub const VALUES: Words = &[
    b"", b"1", b"b", b"a, b", b"a,,b", b", a", b"a ,", b"a  b", b"a\tb", b"\"a, b\"", b"\"a", b"a=b; c=d",
    b"*/*", b"chunked", b"5", b"h2c", b"websocket", b"close", b"\xc3\xa4", b"\xff\xfe", b"\x80",
    b"a:b", b":", b"::", b" a", b"a ", b"\ta\t", b"  ", b"\t", b"bytes=0-", b"<>[]{}()\\|^`",
    b"${jndi}", b"%0d%0aX: y", b"a;b", b"127.0.0.9", b"https", b"evil", b"trailers", b"gzip",
    b"trailers, deflate;q=0.5", b"X-T", b"max-age=0", b"'", b"~",
];

/// Values that must not be in a head.
pub const BAD_VALUES: Words = &[
    b"a\x00", b"\x00", b"a\x0bb", b"a\x0c", b"\x7f", b"a\x01b", b"a\x1bb", b"a\rb", b"a\nb", b"a\r", b"a\n",
    b"\r\n b", b"a\r\n b", b"a\r\n\tb", b"a\r\n ", b"a\n b", b"\r\r\n", b"a\nContent-Length: 5",
    b"a\rTransfer-Encoding: chunked", b"a\r\n\r\nGET /x HTTP/1.1",
];

pub const LENGTHS: Words = &[
    b"0", b"5", b"00005", b"4", b"6", b"05", b" 5", b"5 ", b"5\t", b"\t5", b"+5", b"-5", b"-0", b"5,5",
    b"5, 5", b"5,6", b"5;", b"5 5", b"0x5", b"5.0", b"5e0", b"", b" ", b"a", b"5a", b"\"5\"",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551615",
    b"18446744073709551621", b"4294967301", b"5\x00", b"5\x0b", b"5\r", b"\xb2", b"1000000",
];

pub const CODINGS: Words = &[
    b"chunked", b"Chunked", b"CHUNKED", b"chunked ", b" chunked", b"\tchunked", b"chunked\t", b"chunked,",
    b",chunked", b"chunked, chunked", b"identity", b"chunked, identity", b"identity, chunked",
    b"gzip", b"gzip, chunked", b"chunked, gzip", b"xchunked", b"chunkedx", b"chunked;q=1", b"\"chunked\"",
    b"'chunked'", b"chunked\x00", b"\x0bchunked", b"chunked\x0b", b"chunked\x0c", b"chu\tnked", b"",
    b"cow", b"trailers", b"chunked\r", b"\xffchunked", b"chun\xe2\x84\xaaed", b"[chunked]",
];

pub const OPTIONS: Words = &[
    b"close", b"keep-alive", b"Close", b"upgrade", b"Upgrade", b"TE", b"te", b"x-a", b"X-A", b"X-B",
    b"Cookie", b"Host", b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection",
    b"Expect", b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Real-Ip", b"Trailer", b"Accept", b"",
    b" ", b"\"close\"", b"clo se", b"close;x", b"HTTP2-Settings", b"Proxy-Connection", b"\xff",
];

pub const EXPECTATIONS: Words = &[
    b"100-continue", b"100-Continue", b"100-CONTINUE", b"100-continue ", b"100-continue, x", b"",
    b"100", b"200-ok", b"\"100-continue\"", b"100-continue;q=1", b"100-continue\t",
];

pub const UPGRADES: Words = &[
    b"websocket", b"WebSocket", b"h2c", b"H2C", b"h2c, websocket", b"websocket, h2c", b"TLS/1.0", b"",
    b"foo/1", b"h2", b"HTTP/2.0", b"websocket,", b"a b", b"x, y",
];

/// A chunk's size line for five bytes, without its line end.
pub const SIZES: Words = &[
    b"5", b"5", b"5", b"05", b"005", b"000000000000005", b"0000000000000005", b"00000000000000005",
    b"5;", b"5;a", b"5;a=b", b"5;a=\"b;c\"", b"5;a=\"\\\"\"", b"5;a=\"\n\"", b"5;a=\"\r\n\"", b"5; a", b"5 ;a",
    b"5;\ta", b"5;\xff", b"5;\x00", b"5;\x7f", b"5;a\rb", b"5;a\nb", b"5 ", b"5\t", b" 5", b"\t5", b"+5",
    b"-5", b"0x5", b"0X5", b"5h", b"5.", b"5,", b"5=", b"5_", b"_5", b"", b"6", b"4", b"g", b"\x005", b"5\x00",
    b"100000005", b"fffffffffffffff", b"10000000000000005", b"ffffffffffffffff5", b"5\r", b"5;\r", b"5\x0b",
];

pub const LAST_CHUNKS: Words = &[
    b"0", b"0", b"0", b"00", b"000000000000000", b"0000000000000000", b"0;a", b"0;a=b", b"0 ", b" 0", b"-0",
    b"+0", b"0x0", b"", b"0;", b"0\t", b"g", b"0;\n", b"0\r", b"0;a=\"\r\n\r\n\"",
];

pub const TRAILERS: Words = &[
    b"X-T: v", b"x-a: 1", b"X-T:", b"X-T:v", b"X-T:  v ", b"Content-Length: 5", b"Host: evil",
    b"Transfer-Encoding: chunked", b"Connection: close", b"X-T : v", b" X-T: v", b"X-T", b": v", b"X-T: \x00",
    b"X-T: a\r\n b", b"X-T: a\nb", b"X-T: a\rb", b"X-T: \xff", b"X_T: v", b"GET / HTTP/1.1", b"X T: v",
    b"Trailer: x", b"Cookie: a=b", b"Authorization: x",
];

pub const LINE_ENDS: Words = &[b"\n", b"\r", b"\r\r\n", b"\n\r", b" \r\n", b"\r\n\r\n", b"", b"\0\r\n", b"\t\n"];

/// For changes that know nothing of HTTP.
pub const BYTES: Words = &[
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\0", b"\t", b" ", b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff",
    b"\xc3\xa4", b":", b",", b";", b"=", b"\"", b"\\", b"/", b"?", b"#", b"%", b"@", b"0", b"5", b"a", b"-", b"_",
    b"HTTP/1.1", b"\r\nX-A: b", b"\r\n ", b"\r\nContent-Length: 5", b"\r\nTransfer-Encoding: chunked",
];
