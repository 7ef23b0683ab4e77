# svclab and all that it runs with:
#
#   docker build --tag svclab .
#   docker run --rm --volume "$PWD:/data" svclab scenario smoke --target exact
#
# The packages are those of ci/setup. Where there is no Docker, ci/image makes the same root file system.
FROM debian:bookworm-slim AS base
COPY ci/setup /usr/local/share/svclab/setup
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    $(/usr/local/share/svclab/setup --list) \
 && rm -rf /var/lib/apt/lists/*

# With .git, so that datasets say which revision it is.
FROM base AS build
WORKDIR /svclab
COPY . .
RUN ./svclab --version

FROM base
COPY --from=build /svclab/target/debug/svclab /usr/local/bin/svclab
# An ordinary user, the one that `svclab deploy kubernetes` names. Runs are in /data, and the kernel that guests boot is
# in the image, so that every machine has the same.
RUN useradd --uid 1000 --create-home svclab \
 && install --directory --owner svclab --group svclab /data /var/cache/svclab
ENV XDG_CACHE_HOME=/var/cache
USER svclab
RUN svclab fetch kernel debian-12
WORKDIR /data
ENTRYPOINT ["svclab"]
CMD ["doctor"]
