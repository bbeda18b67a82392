# To pin it: --build-arg IMAGE_PYTHON=python:3.13-slim-trixie@sha256:... (docs/docker.md, "Pinning images").
ARG IMAGE_PYTHON=python:3.13-slim-trixie
FROM ${IMAGE_PYTHON} AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Wheels only, checked by hash: no downloaded code runs during the build, and no compiler is needed.
COPY requirements-image.lock requirements-build.lock ./
RUN python -m venv --without-pip /opt/connector \
    && python -m venv --without-pip /opt/build \
    && pip --python /opt/connector/bin/python install --only-binary :all: --require-hashes -r requirements-image.lock \
    && pip --python /opt/build/bin/python install --only-binary :all: --require-hashes -r requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY connector connector
# Tests, sources and libraries for C and C++, a compiler for Fortran, and type stubs are of no use at run time.
RUN pip --python /opt/build/bin/python wheel --no-build-isolation --no-deps --wheel-dir /dist . \
    && pip --python /opt/connector/bin/python install --no-index --no-deps /dist/*.whl \
    && find /opt/connector -depth \( -name tests -o -name conftest.py -o -name .gitignore -o -path '*/numpy/f2py' \) -exec rm -rf {} + \
    && find /opt/connector -type f \( -name '*.h' -o -name '*.c' -o -name '*.a' -o -name '*.cpp' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' \) -delete

FROM ${IMAGE_PYTHON}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="twelvelabs-qdrant-connector" \
      org.opencontainers.image.description="Keeps the segment embeddings of TwelveLabs indexes current in your own Qdrant." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

RUN groupadd --gid 10001 connector \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /data --shell /usr/sbin/nologin connector \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data \
    && install --directory --owner 10001 --group 10001 --mode 0750 /run/qdrant-key /run/grafana-password /run/postgres-password

COPY --from=build /opt/connector /opt/connector

# The root file system may be read-only: bytecode is part of the image and is never written.
ENV PATH=/opt/connector/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 CONNECTOR_DATA_DIR=/data
WORKDIR /etc/connector
VOLUME /data
EXPOSE 8080 8081
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --start-interval=2s --retries=3 CMD ["connector", "healthcheck"]
ENTRYPOINT ["connector"]
CMD ["run"]
