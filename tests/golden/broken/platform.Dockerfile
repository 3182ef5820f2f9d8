FROM --platform=linux/amd46/v2/x alpine:3.20
RUN true
