# escape=\
FROM alpine
RUN a \
  b
RUN <<EOF
line
EOF
CMD ["x"]
