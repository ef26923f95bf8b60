# A Docker Engine for tests, apart from everything else on the machine. To be sourced.
#
#   engine_start DIR     starts it; sets DOCKER_HOST, DOCKER_CONFIG and ENGINE_PID
#   cluster_start DIR N  starts N of them on a network of their own, and makes a swarm of them;
#                        DOCKER_HOST is the first, the others' sockets are DIR/nodeN/docker.sock
#   engine_enter CMD…    runs CMD in the engine's network namespace
#   engine_stop          stacks, swarm, containers, engine, cgroups: in this order, all bounded
#
# The engine runs in namespaces of its own (see engine-init). They have no names and no owner but
# their first process: when that ends, so does every process, mount and interface in them, even
# when this shell was killed with a signal that it could not catch.

ENGINE_PID=
ENGINE_DIR=
ENGINE_CGROUP=

engine_start() {
    ENGINE_DIR=$1
    ENGINE_CGROUP=/ringress-test-$$
    local here
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    # unshare takes no SIGTERM while it waits for its child, but ends the child when it ends.
    setsid setpriv --pdeathsig KILL \
        unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc \
        "$here/engine-init" "$ENGINE_DIR" ringress-test "$ENGINE_CGROUP" &
    ENGINE_PID=$!
    engine_await "$ENGINE_DIR"
}

# engine_await DIR waits until the engine of DIR answers, and makes it the one that is talked to.
engine_await() {
    export DOCKER_HOST=unix://$1/docker.sock
    # Neither the contexts nor the credentials of whoever runs the tests.
    export DOCKER_CONFIG=$ENGINE_DIR/client
    local _
    for _ in $(seq 300); do
        if docker version >/dev/null 2>&1; then
            return 0
        fi
        if ! kill -0 "$ENGINE_PID" 2>/dev/null; then
            break
        fi
        sleep 0.2
    done
    echo "the Docker Engine did not start; the end of its log:" >&2
    tail -n 20 "$1/dockerd.log" "$1/containerd.log" >&2 || true
    return 1
}

cluster_start() {
    ENGINE_DIR=$1
    ENGINE_CGROUP=/ringress-test-$$
    local count=$2 here n token
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    setsid setpriv --pdeathsig KILL \
        unshare --net --mount --pid --fork --kill-child --mount-proc \
        "$here/cluster-init" "$ENGINE_DIR" "$count" "$ENGINE_CGROUP" &
    ENGINE_PID=$!
    for n in $(seq "$count" -1 1); do
        engine_await "$ENGINE_DIR/node$n"
    done
    docker swarm init --advertise-addr 10.213.0.1 >/dev/null
    token=$(docker swarm join-token -q manager)
    for n in $(seq 2 "$count"); do
        docker -H "unix://$ENGINE_DIR/node$n/docker.sock" swarm join \
            --advertise-addr "10.213.0.$n" --token "$token" 10.213.0.1:2377 >/dev/null
    done
}

# Pid, seen from here, of the namespaces' first process.
engine_init_pid() {
    local children=
    read -r children <"/proc/$ENGINE_PID/task/$ENGINE_PID/children" || true
    echo "${children%% *}"
}

engine_enter() {
    nsenter --net="/proc/$(engine_init_pid)/ns/net" "$@"
}

engine_stop() {
    [[ -n $ENGINE_PID ]] || return 0
    local init stack _
    init=$(engine_init_pid 2>/dev/null || true)
    if [[ -n $init ]]; then
        for stack in $(timeout 10 docker stack ls --format '{{.Name}}' 2>/dev/null); do
            timeout 20 docker stack rm "$stack" >/dev/null 2>&1 || true
        done
        timeout 20 docker swarm leave --force >/dev/null 2>&1 || true
        kill -TERM "$init" 2>/dev/null || true
        for _ in $(seq 150); do
            kill -0 "$ENGINE_PID" 2>/dev/null || break
            sleep 0.1
        done
    fi
    # Whatever the polite way left: the end of the first process is the end of all of them.
    kill -KILL "$ENGINE_PID" 2>/dev/null || true
    wait "$ENGINE_PID" 2>/dev/null || true
    ENGINE_PID=
    for _ in $(seq 20); do
        engine_cgroups_removed && break
        sleep 0.1
    done
}

engine_cgroups_removed() {
    local hierarchy cgroup left=0
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
        for cgroup in "$hierarchy$ENGINE_CGROUP"{,.*}; do
            if [[ -d $cgroup ]]; then
                find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || left=1
            fi
        done
    done
    return $left
}
