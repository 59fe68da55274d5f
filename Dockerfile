# Two stages: the compiler stays behind. Debian bookworm in both, so that the C libraries are the same.
#
# For a build that can be repeated, name the images by what they are and not by a tag that moves:
#   docker build --build-arg BUILD_IMAGE=swift@sha256:... --build-arg RUN_IMAGE=debian@sha256:... \
#     --build-arg COMMIT=$(git rev-parse HEAD) .
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        libhiredis-dev libsqlite3-dev libssl-dev libcrypt-dev zlib1g-dev python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product lab-server \
    && install -s .build/release/lab-server /usr/local/bin/lab-server
COPY deploy/sbom.py deploy/sbom.py
ARG COMMIT=unknown
RUN python3 deploy/sbom.py /usr/local/bin/lab-server --commit "$COMMIT" --output /usr/local/share/lab-server.cdx.json

FROM ${RUN_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends \
        libhiredis0.14 libsqlite3-0 libssl3 libcrypt1 libstdc++6 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin lab \
    && install -d -o lab -g lab -m 0700 /data
COPY --from=build /usr/local/bin/lab-server /usr/local/bin/lab-server
# What the program is made of (CycloneDX).
COPY --from=build /usr/local/share/lab-server.cdx.json /usr/local/share/lab-server.cdx.json
USER 10001
WORKDIR /data
# The only place that is written: the root file system may be read-only.
VOLUME /data
ENV LAB_HOST=0.0.0.0 LAB_DATABASE=sqlite:/data/lab.sqlite LAB_LOG_OUTPUT=stdout
EXPOSE 8080
# Whether the process answers: a start that takes long is no reason to end it (/health/startup says when it is over).
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["lab-server", "health"]
# Exec form: the server is process 1 and gets SIGTERM itself.
ENTRYPOINT ["lab-server"]
CMD ["serve"]
