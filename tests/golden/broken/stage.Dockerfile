FROM golang:1.22 AS builder
RUN go build -o /out/app .

FROM alpine:3.20
COPY --from=biulder /out/app /usr/bin/app
