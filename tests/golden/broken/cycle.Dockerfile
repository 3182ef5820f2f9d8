FROM alpine:3.20 AS left
COPY --from=right /a /a

FROM alpine:3.20 AS right
COPY --from=left /b /b
