# One image for every service: `docker run IMAGE run checkout`. Nothing of BuildKit's is used, so any engine builds it,
# for amd64 and for arm64: every package of the lock file has wheels of both.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The environment has no pip of its own: what runs installs nothing.
RUN python -m venv --without-pip /opt/milesaga
COPY requirements.lock ./
RUN pip --python /opt/milesaga install --no-deps --only-binary=:all: --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY shared shared
# The build backend stands in the lock file, and not in the image.
RUN pip --python /opt/milesaga install --no-deps --no-index --no-build-isolation . \
 && pip --python /opt/milesaga uninstall --yes --quiet hatchling editables trove-classifiers
COPY deploy/image/healthcheck.py /opt/milesaga/bin/healthcheck

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/milesaga /opt/milesaga
# The only folder that is written to: a service with MongoDB and a broker of their own needs none of it.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/milesaga
ENV PATH=/opt/milesaga/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1 \
    HOST=0.0.0.0 PORT=8000 MILESAGA_HOME=/var/lib/milesaga
WORKDIR /var/lib/milesaga
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=5m --retries=3 CMD ["healthcheck"]
ENTRYPOINT ["milesaga"]
CMD ["--help"]
# Last, because each build has others.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Milesaga" \
      org.opencontainers.image.description="Open software that sells flights for miles and money" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
