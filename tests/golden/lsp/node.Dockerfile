# syntax=docker/dockerfile:1.7
ARG NODE_VERSION=20.11.1
#   ^^^^^^^^^^^^ def: NODE_VERSION
FROM node:${NODE_VERSION}-bookworm-slim AS base
#           ^^^^^^^^^^^^ use: NODE_VERSION
#           ^ hover: 20.11.1
#                                          ^^^^ def: base
#                                          ^ symbol: base
ENV NODE_ENV=production \
    APP_HOME=/srv/app
#   ^^^^^^^^ def: APP_HOME
#   ^ hover: /srv/app
WORKDIR $APP_HOME
#        ^^^^^^^^ use: APP_HOME
#                ^ hint: = /srv/app

FROM base AS deps
#    ^^^^ use: base
#            ^^^^ def: deps
RUN --mount=type=cache,id=npm,target=/root/.npm <<EOT
#         ^ hover: a cache that is kept between builds
    # A comment of the script, not of the file.
    npm config set fund false
    npm ci --omit=dev
EOT
FROM base
#    ^^^^ use: base
COPY --from=deps /srv/app/node_modules ./node_modules
#           ^^^^ use: deps
#      ^ hover: Where the files come from
COPY --chown=node:node src/*.c ./src/
#                      ^ hover: 2 files
COPY <<"app.conf" <<'start.sh' /etc/app/
#      ^ hover: -
port=$PORT
app.conf
exec node "$@"
start.sh
USER node
EXPOSE 3000/tcp
#      ^ hover: -
HEALTHCHECK --interval=30s CMD node health.js
#             ^ hover: Time between two checks
CMD ["node", "src/server.js"]
#<- hover: CMD
