FROM alpine:3.20
COPY app
ENV PATH
HEALTHCHECK --interval=5 CMD wget -q localhost
