# syntax=docker/dockerfile:1
# Two stages: pip and the build tools stay behind in the first.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/auth-service /opt/build
COPY requirements.txt requirements-build.txt ./
RUN /opt/auth-service/bin/pip install --require-hashes -r requirements.txt \
 && /opt/build/bin/pip install --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY auth_service auth_service
COPY migrations migrations
RUN /opt/build/bin/python -m hatchling build -t wheel \
 && /opt/auth-service/bin/pip install --no-deps --no-index dist/*.whl \
 && /opt/auth-service/bin/python -m compileall -q /opt/auth-service/lib

FROM python:3.13-slim
ENV PATH=/opt/auth-service/bin:$PATH PYTHONUNBUFFERED=1 AUTH_ENVIRONMENT=production AUTH_LOG_FORMAT=json
RUN useradd --system --uid 10001 --create-home --home-dir /app auth
COPY --from=build /opt/auth-service /opt/auth-service
WORKDIR /app
USER auth
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# `docker run IMAGE migrate`, `docker run IMAGE users create …` run the other commands.
ENTRYPOINT ["auth-service"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
