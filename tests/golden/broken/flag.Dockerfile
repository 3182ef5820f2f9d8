FROM golang:1.22 AS build
RUN go build -o /out/app .

FROM alpine:3.20
COPY --form=build /out/app /usr/bin/app
ADD --chekcsum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a /a
