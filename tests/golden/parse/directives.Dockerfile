# syntax=docker/dockerfile:1
#  Escape = `
# check = skip=all;error=true

# a comment, no directive any more
# syntax=late
FROM mcr.example.com/nano
RUN dir c:\temp `
    && echo done
ENV path=c:\dir\
COPY a b\
