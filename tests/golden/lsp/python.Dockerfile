# escape=`
#   ^ hover: backtick
# ^ symbol: escape
FROM python:3.12-slim AS build
#                        ^^^^^ def: build
ARG EXTRAS
#   ^^^^^^ def: EXTRAS
RUN python -m venv /venv && `
    /venv/bin/pip install app[$EXTRAS]
#                              ^^^^^^ use: EXTRAS
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
#<- hover: SHELL
RUN <<EOF
set -e
for name in $EXTRAS; do
#            ^^^^^^ use: EXTRAS
    echo "$name"
done
EOF
FROM build AS test
#    ^^^^^ use: build
#             ^^^^ def: test
ONBUILD COPY --from=build /venv /venv
#                   ^^^^^ use: build
#<- hover: ONBUILD
ONBUILD RUN pytest
FROM test
#    ^^^^ use: test
ENV SECRET_TOKEN=x
#<- warning SecretsUsedInArgOrEnv: SECRET_TOKEN
STOPSIGNAL SIGQUIT
#     ^ hover: STOPSIGNAL
ENTRYPOINT /venv/bin/app
#          ^ action: exec form
