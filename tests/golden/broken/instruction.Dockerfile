FROM alpine:3.20
WROKDIR /src
COPY . .
RUNN make
ENTRYPONT ["/src/app"]
