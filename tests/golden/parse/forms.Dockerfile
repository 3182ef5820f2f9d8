FROM --platform=$BUILDPLATFORM golang:1.22 AS build
ARG VERSION="1 2" EMPTY= NAME
ENV old form value
ENV a=1 b='two words' c=th\ ree
LABEL "com.example"="x" d=
RUN ["sh", "-c", "echo \u00e9\n\"q\""]
RUN [ "a" , "b" ]
RUN ["not", 'json']
RUN [ ]
CMD
COPY --from=build --chown="1:1" ["a b", "c", "/d/"]
VOLUME /a /b
VOLUME ["/c d"]
EXPOSE 80/tcp	443 8000-8010
HEALTHCHECK --interval=5s CMD curl -f http://localhost
HEALTHCHECK none
ONBUILD COPY . /app
SHELL ["/bin/bash", "-c"]
USER root:root
WORKDIR /a b
STOPSIGNAL SIGTERM
MAINTAINER somebody <a@b.c>
run --mount=type=cache,target=/x -- --not-a-flag
