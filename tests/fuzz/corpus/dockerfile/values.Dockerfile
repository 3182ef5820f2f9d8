FROM a
ENV a=1 b="x y" c=\
d e='\'
ENV old   form with  blanks
LABEL a.b=c "quoted key"=v multi="line \
continues"
EXPOSE 80 443/tcp $PORT 1-2
VOLUME ["/a", " /b "]
VOLUME /c /d
USER  u:g  
WORKDIR /with blank
STOPSIGNAL 9
MAINTAINER me
ARG X Y= Z=1
