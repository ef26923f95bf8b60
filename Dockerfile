# The image of the load balancer and of its demo backend: one binary, the libraries it names, no
# shell. Flags go behind the entry point, as in the image it replaces.
#
#   docker build -t ringress .      from source; fetches the Rust image and the crates
#   docker/build-image              from the release binary of this machine; no network needed
#
# The two share everything but where the files come from. The first needs BuildKit, which is what
# any recent docker has: it leaves out `prebuilt`, the classic builder would not.

FROM scratch AS base
EXPOSE 80 8080
STOPSIGNAL SIGTERM
# Swarm calls a task running only after the first good probe, and sends it no traffic before: a
# long interval would delay every start and every scaling by as much.
HEALTHCHECK --interval=2s --timeout=2s --retries=5 CMD ["/ringress", "ping"]
ENTRYPOINT ["/ringress"]

FROM base AS prebuilt
COPY target/image/ /

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked && docker/build-image --stage

FROM base
COPY --from=build /src/target/image/ /
