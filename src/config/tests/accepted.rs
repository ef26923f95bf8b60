//! Every option of Traefik 1.7, 2.11 and 3.7: taken, and to be seen in what `ringress check`
//! prints, or named as not done yet.

use super::*;

/// Flags, and the line of `ringress check` that shows them.
const SHOWN: &[(&str, &str, &str)] = &[
    // Traefik 1.
    ("--docker --debug", "log.level", "DEBUG"),
    ("--docker -d", "log.level", "DEBUG"),
    ("--docker -l WARN", "log.level", "WARN"),
    ("--docker --logLevel=fatal", "log.level", "ERROR"),
    ("--docker --loglevel=PANIC", "log.level", "ERROR"),
    ("--docker --graceTimeOut=7", "lifeCycle.graceTimeOut", "7s"),
    ("--docker --lifeCycle.graceTimeOut=1m30s", "lifeCycle.graceTimeOut", "1m30s"),
    (
        "--docker --lifeCycle.requestAcceptGraceTimeout=500ms",
        "lifeCycle.requestAcceptGraceTimeout",
        "500ms",
    ),
    ("--docker --defaultEntryPoints=http", "defaultEntryPoints", "http"),
    ("--docker --providersThrottleDuration=5", "providers.providersThrottleDuration", "5s"),
    ("--docker --maxIdleConnsPerHost=9", "serversTransport.maxIdleConnsPerHost", "9"),
    ("--docker --healthCheck.interval=12", "healthCheck.interval", "12s"),
    (
        "--docker --respondingTimeouts.readTimeout=3",
        "entryPoints.http.transport.respondingTimeouts.readTimeout",
        "3s",
    ),
    (
        "--docker --respondingTimeouts.writeTimeout=3",
        "entryPoints.http.transport.respondingTimeouts.writeTimeout",
        "3s",
    ),
    (
        "--docker --respondingTimeouts.idleTimeout=3",
        "entryPoints.http.transport.respondingTimeouts.idleTimeout",
        "3s",
    ),
    ("--docker --idleTimeout=3", "entryPoints.http.transport.respondingTimeouts.idleTimeout", "3s"),
    (
        "--docker --forwardingTimeouts.dialTimeout=4",
        "serversTransport.forwardingTimeouts.dialTimeout",
        "4s",
    ),
    (
        "--docker --forwardingTimeouts.responseHeaderTimeout=4",
        "serversTransport.forwardingTimeouts.responseHeaderTimeout",
        "4s",
    ),
    ("--docker --constraints=tag==api-*", "providers.docker.constraints", "tag==api-*"),
    ("--docker --docker.constraints=tag!=x", "providers.docker.constraints", "tag!=x"),
    ("--docker", "providers.docker.endpoint", "unix:///var/run/docker.sock"),
    ("--docker.endpoint=tcp://h:2375", "providers.docker.endpoint", "tcp://h:2375"),
    ("--docker.domain=x.org", "providers.docker.domain", "x.org"),
    ("--docker.watch=false", "providers.docker.watch", "false"),
    ("--docker.exposedByDefault=false", "providers.docker.exposedByDefault", "false"),
    ("--docker.swarmMode", "providers.docker.swarmMode", "true"),
    ("--docker.swarmModeRefreshSeconds=4", "providers.docker.refreshSeconds", "4s"),
    ("--docker.swarmModeRefreshSeconds=0", "providers.docker.refreshSeconds", "15s"),
    ("--docker.network=net", "providers.docker.network", "net"),
    ("--docker.useBindPortIP", "providers.docker.watch", "true"),
    ("--docker --web", "api.dashboard", "true"),
    ("--docker --web.address=:8081", "entryPoints.traefik.address", "[::]:8081"),
    ("--docker --web.metrics.prometheus", "metrics.prometheus", "true"),
    ("--docker --api", "entryPoints.traefik.address", "[::]:8080"),
    ("--docker --api.dashboard=false", "api.dashboard", "false"),
    ("--docker --api.entryPoint=traefik", "api", "true"),
    ("--docker --ping", "ping", "true"),
    ("--docker --ping.entryPoint=traefik", "ping", "true"),
    ("--docker --metrics.prometheus", "metrics.prometheus", "true"),
    ("--docker --metrics.prometheus.entryPoint=traefik", "metrics.prometheus", "true"),
    ("--docker --accessLog", "accessLog", "true"),
    ("--docker --accessLog.format=common", "accessLog", "true"),
    ("--docker --accessLog.filePath=/dev/stdout", "accessLog", "true"),
    ("--docker --traefikLog.format=json", "log.format", "json"),
    ("--file.filename=/x.toml", "providers.file.filename", "/x.toml"),
    ("--file --file.directory=/x", "providers.file.directory", "/x"),
    ("--file.filename=/x.toml --file.watch=false", "providers.file.watch", "false"),
    ("--docker --entryPoints=Name:http_Address::81", "entryPoints.http.address", "[::]:81"),
    (
        "--docker --entryPoints=Name:http_Address::81_ForwardedHeaders.TrustedIPs:10.0.0.0/8,::1",
        "entryPoints.http.forwardedHeaders.trustedIPs",
        "10.0.0.0/8,::1/128",
    ),
    (
        "--docker --entryPoints=Name:http_Address::81_ForwardedHeaders.Insecure:enable",
        "entryPoints.http.forwardedHeaders.insecure",
        "true",
    ),
    (
        "--docker --entryPoints=Name:http_Address::81_ProxyProtocol.TrustedIPs:10.0.0.0/8",
        "entryPoints.http.proxyProtocol.trustedIPs",
        "10.0.0.0/8",
    ),
    (
        "--docker --entryPoints=Name:http_Address::81_ProxyProtocol.Insecure:on",
        "entryPoints.http.proxyProtocol.insecure",
        "true",
    ),
    // Traefik 2 and 3: providers.
    ("--providers.docker", "providers.docker.swarmMode", "false"),
    ("--providers.docker.swarmMode", "providers.docker.swarmMode", "true"),
    ("--providers.docker.swarmModeRefreshSeconds=3s", "providers.docker.refreshSeconds", "3s"),
    ("--providers.docker.watch=false", "providers.docker.watch", "false"),
    ("--providers.docker.endpoint=http://h:1", "providers.docker.endpoint", "http://h:1"),
    ("--providers.docker.exposedByDefault=F", "providers.docker.exposedByDefault", "false"),
    ("--providers.docker.network=n", "providers.docker.network", "n"),
    ("--providers.docker.defaultRule=Path(`/`)", "providers.docker.defaultRule", "Path(`/`)"),
    (
        "--providers.docker.constraints=Label(`a`,`b`)",
        "providers.docker.constraints",
        "Label(`a`,`b`)",
    ),
    ("--providers.docker.useBindPortIP", "providers.docker.watch", "true"),
    ("--providers.docker.allowEmptyServices", "providers.docker.watch", "true"),
    ("--providers.swarm", "providers.swarm.refreshSeconds", "15s"),
    ("--providers.swarm.refreshSeconds=3", "providers.swarm.refreshSeconds", "3s"),
    ("--providers.swarm.watch=false", "providers.swarm.watch", "false"),
    ("--providers.swarm.endpoint=tcp://h:1", "providers.swarm.endpoint", "tcp://h:1"),
    ("--providers.swarm.exposedByDefault=0", "providers.swarm.exposedByDefault", "false"),
    ("--providers.swarm.network=n", "providers.swarm.network", "n"),
    ("--providers.swarm.defaultRule=Path(`/`)", "providers.swarm.defaultRule", "Path(`/`)"),
    (
        "--providers.swarm.constraints=Label(`a`,`b`)",
        "providers.swarm.constraints",
        "Label(`a`,`b`)",
    ),
    ("--providers.swarm.useBindPortIP", "providers.swarm.watch", "true"),
    ("--providers.swarm.allowEmptyServices", "providers.swarm.watch", "true"),
    (
        "--providers.swarm --providers.providersThrottleDuration=100ms",
        "providers.providersThrottleDuration",
        "100ms",
    ),
    ("--providers.file.filename=/x.yml", "providers.file.filename", "/x.yml"),
    ("--providers.file.directory=/x", "providers.file.directory", "/x"),
    ("--providers.file.directory=/x --providers.file.watch=false", "providers.file.watch", "false"),
    ("--providers.http.endpoint=http://h/c", "providers.http.endpoint", "http://h/c"),
    (
        "--providers.http.endpoint=http://h/ --providers.http.pollInterval=7s",
        "providers.http.pollInterval",
        "7s",
    ),
    (
        "--providers.http.endpoint=http://h/ --providers.http.pollTimeout=7s",
        "providers.http.pollTimeout",
        "7s",
    ),
    (
        "--providers.http.endpoint=http://h/ --providers.http.headers.X-A=b",
        "providers.http.headers.X-A",
        "(hidden)",
    ),
    (
        "--providers.http.endpoint=http://h/ --providers.http.maxResponseBodySize=9",
        "providers.http.maxResponseBodySize",
        "9",
    ),
    // Traefik 2 and 3: the rest.
    ("--providers.swarm --api --api.insecure", "api", "true"),
    ("--providers.swarm --api.insecure --api.dashboard=false", "api.dashboard", "false"),
    ("--providers.swarm --log.level=debug", "log.level", "DEBUG"),
    ("--providers.swarm --log.format=json", "log.format", "json"),
    (
        "--providers.swarm --serversTransport.maxIdleConnsPerHost=0",
        "serversTransport.maxIdleConnsPerHost",
        "2",
    ),
    (
        "--providers.swarm --serversTransport.forwardingTimeouts.dialTimeout=4",
        "serversTransport.forwardingTimeouts.dialTimeout",
        "4s",
    ),
    (
        "--providers.swarm --serversTransport.forwardingTimeouts.responseHeaderTimeout=4",
        "serversTransport.forwardingTimeouts.responseHeaderTimeout",
        "4s",
    ),
    (
        "--providers.swarm --serversTransport.forwardingTimeouts.idleConnTimeout=4",
        "serversTransport.forwardingTimeouts.idleConnTimeout",
        "4s",
    ),
];

/// Options of an entry point `web` on port 80, and what they come to.
const ENTRY_POINT: &[(&str, &str, &str)] = &[
    ("asDefault", "defaultEntryPoints", "web"),
    ("forwardedHeaders.insecure", "entryPoints.web.forwardedHeaders.insecure", "true"),
    (
        "forwardedHeaders.trustedIPs=10.0.0.0/8",
        "entryPoints.web.forwardedHeaders.trustedIPs",
        "10.0.0.0/8",
    ),
    ("proxyProtocol.insecure", "entryPoints.web.proxyProtocol.insecure", "true"),
    ("proxyProtocol.trustedIPs=::1", "entryPoints.web.proxyProtocol.trustedIPs", "::1/128"),
    ("http.maxHeaderBytes=4096", "entryPoints.web.http.maxHeaderBytes", "4096"),
    ("transport.keepAliveMaxTime=1h", "entryPoints.web.transport.keepAliveMaxTime", "1h0m0s"),
    ("transport.keepAliveMaxRequests=5", "entryPoints.web.transport.keepAliveMaxRequests", "5"),
    (
        "transport.respondingTimeouts.readTimeout=5",
        "entryPoints.web.transport.respondingTimeouts.readTimeout",
        "5s",
    ),
    (
        "transport.respondingTimeouts.writeTimeout=5",
        "entryPoints.web.transport.respondingTimeouts.writeTimeout",
        "5s",
    ),
    (
        "transport.respondingTimeouts.idleTimeout=5",
        "entryPoints.web.transport.respondingTimeouts.idleTimeout",
        "5s",
    ),
    ("transport.lifeCycle.graceTimeOut=5", "lifeCycle.graceTimeOut", "5s"),
    (
        "transport.lifeCycle.requestAcceptGraceTimeout=5",
        "lifeCycle.requestAcceptGraceTimeout",
        "5s",
    ),
];

/// Known, named in a warning, and not done yet.
const NOT_YET: &str = "
    --acme --acme.email=a@b --acme.storage=x --acme.entryPoint=http --acme.onHostRule
    --acme.onDemand --acme.domains=a,b --acme.caServer=x --acme.keyType=x --acme.acmeLogging
    --acme.httpChallenge.entryPoint=http --acme.tlsChallenge --acme.dnsChallenge.provider=x
    --acme.dnsChallenge.delayBeforeCheck=1 --acme.preferredChain=x --acme.storageFile=x
    --acme.dnsProvider=x --rest --rest.entryPoint=traefik --retry --retry.attempts=3
    --insecureSkipVerify --rootCAs=x --keepTrailingSlash --allowMinWeightZero --accessLogsFile=x
    --traefikLogsFile=x --traefikLog.filePath=x --api.statistics --api.statistics.recentErrors=3
    --docker.tls --docker.tls.ca=x --docker.tls.caOptional --docker.tls.cert=x --docker.tls.key=x
    --docker.tls.insecureSkipVerify --docker.filename=x --docker.templateVersion=2
    --docker.debugLogGeneratedTemplate --web.certFile=x --web.keyFile=x --web.readOnly
    --web.path=/x --web.statistics.recentErrors=3 --web.metrics.prometheus.buckets=1
    --web.auth.basic.users=a:b
    --metrics.prometheus.buckets=0.1 --metrics.datadog --metrics.statsd --metrics.influxdb
    --accessLog.bufferingSize=1 --accessLog.filters.statusCodes=200
    --accessLog.filters.retryAttempts --accessLog.filters.minDuration=1
    --accessLog.fields.defaultMode=keep --accessLog.fields.names.X=drop
    --accessLog.fields.headers.defaultMode=keep --accessLog.fields.headers.names.X=keep
    --accessLog.fields.queryParameters.defaultMode=keep --accessLog.format=json
    --tracing --tracing.backend=jaeger --hostResolver --hostResolver.cnameFlattening
    --hostResolver.resolvConfig=x --hostResolver.resolvDepth=5
    --providers.docker.username=x --providers.docker.password=x --providers.docker.tls.ca=x
    --providers.docker.tls.cert=x --providers.docker.tls.key=x
    --providers.docker.tls.insecureSkipVerify --providers.docker.httpClientTimeout=1
    --providers.swarm.username=x --providers.swarm.password=x --providers.swarm.tls.ca=x
    --providers.swarm.httpClientTimeout=1 --providers.http.tls.ca=x --providers.rest.insecure
    --providers.precedence=swarm,file --api.debug --api.basePath=/x --api.disableDashboardAd
    --api.dashboardName=x --ping.manualRouting --ping.terminatingStatusCode=204
    --metrics.prometheus.addEntryPointsLabels --metrics.prometheus.addRoutersLabels
    --metrics.prometheus.addServicesLabels --metrics.prometheus.manualRouting
    --metrics.prometheus.headerLabels.x=X --metrics.addInternals --metrics.otlp
    --metrics.influxdb2 --log.filePath=x --log.noColor --log.maxSize=1 --log.maxAge=1
    --log.maxBackups=1 --log.compress --accessLog.addInternals --accessLog.otlp
    --tracing.serviceName=x --tracing.sampleRate=1 --tracing.resourceAttributes.x=y
    --tracing.capturedRequestHeaders=x --tracing.otlp.grpc --tracing.otlp.http.endpoint=x
    --serversTransport.insecureSkipVerify --serversTransport.rootCAs=x
    --tcpServersTransport.dialTimeout=1 --core.defaultRuleSyntax=v2 --experimental.fastProxy
    --certificatesResolvers.le.acme.email=a@b --certificatesResolvers.le.acme.storage=x
    --certificatesResolvers.le.acme.httpChallenge.entryPoint=web
    --certificatesResolvers.le.acme.dnsChallenge.propagation.delayBeforeChecks=1
    --certificatesResolvers.le.acme.eab.kid=x --pilot.token=x --spiffe.workloadAPIAddr=x
";

/// The same, of an entry point.
const ENTRY_POINT_NOT_YET: &str = "
    allowACMEByPass reusePort forwardedHeaders.connection=x
    forwardedHeaders.notAppendXForwardedFor http.encodeQuerySemicolons http.sanitizePath=false
    http.encodedCharacters.allowEncodedSlash=false http.underscoreHeadersStrategy=delete
    http2.maxConcurrentStreams=1 http3 http3.advertisedPort=1 udp.timeout=3
    observability.accessLogs=false observability.traceVerbosity=detailed http.tls
    http.tls.certResolver=x http.tls.domains[0].main=a http.middlewares=a@file
    http.redirections.entryPoint.to=x http.redirections.entryPoint.scheme=https
";

/// We phone nobody.
const SILENT: &str = "
    --checkNewVersion=false --sendAnonymousUsage --global.checkNewVersion=false
    --global.sendAnonymousUsage
";

fn lines(line: &str) -> (Vec<Line>, Vec<String>) {
    let args: Vec<String> = line.split(' ').map(|arg| arg.replace('_', " ")).collect();
    let (statics, lines) = explained(&args, &[]).unwrap_or_else(|all| panic!("{line}: {all:?}"));
    (lines, warnings(&statics))
}

fn is_shown(line: &str, key: &str, value: &str) {
    let (lines, said) = lines(line);
    let found = lines.iter().find(|line| line.key == key);
    let found = found.unwrap_or_else(|| panic!("{line}: no {key} in {lines:?}"));
    assert_eq!(found.value, value, "{line}");
    assert_eq!(said, [""; 0], "{line}");
}

#[test]
fn options_are_taken_and_shown() {
    for (line, key, value) in SHOWN {
        is_shown(line, key, value);
    }
    for (option, key, value) in ENTRY_POINT {
        let entry_point = "--providers.swarm --entryPoints.web.address=:80";
        is_shown(&format!("{entry_point} --entryPoints.web.{option}"), key, value);
        is_shown(&format!("{entry_point} --ENTRYPOINTS.web.{option}"), key, value);
    }
}

#[test]
fn what_is_not_done_yet_is_named_once() {
    let provider = "--providers.swarm --entryPoints.web.address=:80 --api.insecure --ping";
    let named = |line: String, option: &str| {
        let (_, said) = lines(&line);
        let name = option.split('=').next().unwrap_or(option);
        let about: Vec<_> = said.iter().filter(|said| said.contains(name)).collect();
        assert_eq!(about.len(), 1, "{line}: {said:?}");
        assert!(about[0].contains("not supported yet"), "{line}: {said:?}");
    };
    for option in NOT_YET.split_whitespace() {
        named(format!("{provider} {option}"), option);
    }
    for option in ENTRY_POINT_NOT_YET.split_whitespace() {
        named(format!("{provider} --entryPoints.web.{option}"), &format!("web.{option}"));
    }
    for option in SILENT.split_whitespace() {
        let line = format!("{provider} {option}");
        assert_eq!(lines(&line).1, [""; 0], "{line}");
    }
}
