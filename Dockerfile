# Every image of the mesh. What varies is the workspace: docker build --target service --build-arg WORKSPACE=services/auth .
# docker-compose.yml says which image is which. Sources run as they are: nothing is compiled but the web page.
#
# Base images are pinned by tag. Where you build, pin them by digest as well (name:tag@sha256:…, from docker buildx imagetools
# inspect): it could not be looked up where this file was written.

FROM node:24.21.0-trixie-slim AS node
WORKDIR /app

# All package.json files, so that installed packages are cached until one of these changes.
FROM node AS manifests
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json -delete && find . -type d -empty -delete

# What the workspace needs at run time. Workspaces become links out of node_modules, where Node runs no TypeScript.
FROM node AS packages
ARG WORKSPACE
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts --no-audit --no-fund --omit=dev --workspace "${WORKSPACE:?is not given}"
# An empty folder, to be given to the user of the images.
WORKDIR /state

FROM node AS page
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts --no-audit --no-fund --workspace clients/web
COPY gen gen
COPY packages/framing packages/framing
COPY clients clients
RUN node clients/web/build.ts

# No shell, no npm; nothing in it belongs to its user but the folder for state.
FROM gcr.io/distroless/nodejs24-debian13:nonroot AS service
ARG WORKSPACE
ENV NODE_ENV=production
# What a burst took is given back: tools/stack/process-memory.ts. How large the heap may be follows from the container's limit.
ENV NODE_OPTIONS=--max-semi-space-size=32
ENV MALLOC_ARENA_MAX=1
ENV MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /app
COPY --from=packages --chown=65532:65532 /state /var/lib/realchat
# The last three for packages that npm has put below a workspace.
COPY --from=packages /app/node_modules node_modules
COPY --from=packages /app/gen gen
COPY --from=packages /app/packages packages
COPY --from=packages /app/${WORKSPACE} ${WORKSPACE}
COPY gen gen
COPY packages packages
COPY ${WORKSPACE} ${WORKSPACE}
USER 65532:65532
WORKDIR /app/${WORKSPACE}
CMD ["main.ts"]

# The gateway serves the page too.
FROM service AS gateway
COPY --from=page /app/clients/web/dist /app/page

# The one-shot jobs use what the launcher of npm start uses.
FROM service AS jobs
COPY --from=packages --chown=65532:65532 /state /etc/realchat/tls
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh-authority
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh/auth
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh/profile
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh/messaging
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh/delivery
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh/operations
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh/gateway
COPY --from=packages --chown=65532:65532 /state /etc/realchat/mesh/envoy
COPY edge/envoy /app/edge/envoy
COPY tools/stack /app/tools/stack
