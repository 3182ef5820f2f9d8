FROM golang:1.22
RUN go build -o /out/app .

FROM alpine:3.20
COPY --from=2 --chmod=u+rwz /out/app /app
