# Two stages: the compiler stays behind. Debian bookworm in both, so that the C libraries are the same.
#
# For a build that can be repeated, name the images by what they are and not by a tag that moves:
#   docker build --build-arg BUILD_IMAGE=swift@sha256:... --build-arg RUN_IMAGE=debian@sha256:... \
#     --build-arg COMMIT=$(git rev-parse HEAD) .
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        libhiredis-dev libsqlite3-dev libpq-dev libssl-dev libcrypt-dev zlib1g-dev liblua5.1-0-dev python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY deploy/sbom.py deploy/split-symbols.sh deploy/
# The names of functions stay in the program, for backtraces; what a debugger wants besides is lab-server.debug.
RUN swift build -c release --static-swift-stdlib --product lab-server \
    && deploy/split-symbols.sh .build/release/lab-server /usr/local/bin/lab-server \
    && install -D "$(dirname "$(readlink -f "$(command -v swift)")")/../libexec/swift/linux/swift-backtrace-static" \
        /usr/local/libexec/swift-backtrace-static
ARG COMMIT=unknown
RUN python3 deploy/sbom.py /usr/local/bin/lab-server --commit "$COMMIT" --output /usr/local/share/lab-server.cdx.json

# docker build --target symbols --output DIRECTORY . writes lab-server.debug, which stays out of the image.
FROM scratch AS symbols
COPY --from=build /usr/local/bin/lab-server.debug /

FROM ${RUN_IMAGE}
# postgresql-client: backup and restore call pg_dump and pg_restore.
RUN apt-get update && apt-get install -y --no-install-recommends \
        libhiredis0.14 libsqlite3-0 libpq5 libssl3 libcrypt1 libstdc++6 ca-certificates postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin lab \
    && install -d -o lab -g lab -m 0700 /data
COPY --from=build /usr/local/bin/lab-server /usr/local/bin/lab-server
COPY --from=build /usr/local/libexec/swift-backtrace-static /usr/local/libexec/swift-backtrace-static
# What the program is made of (CycloneDX).
COPY --from=build /usr/local/share/lab-server.cdx.json /usr/local/share/lab-server.cdx.json
USER 10001
WORKDIR /data
# The only place that is written: the root file system may be read-only.
VOLUME /data
ENV LAB_HOST=0.0.0.0 LAB_DATABASE=sqlite:/data/lab.sqlite LAB_LOG_OUTPUT=stdout \
    SWIFT_BACKTRACE=enable=yes,color=no,interactive=no,swift-backtrace=/usr/local/libexec/swift-backtrace-static
EXPOSE 8080
# Whether the process answers: a start that takes long is no reason to end it (/health/startup says when it is over).
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["lab-server", "health"]
# Exec form: the server is process 1 and gets SIGTERM itself.
ENTRYPOINT ["lab-server"]
CMD ["serve"]
