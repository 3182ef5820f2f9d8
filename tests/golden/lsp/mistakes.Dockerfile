FROM scratch as x
#<- warning FromAsCasing: casing do not match
COPPY a b
#<- error: did you mean `COPY`
MAINTAINER me
#<- warning MaintainerDeprecated: deprecated
#<- hover: Deprecated
FROM alpine AS Y
#<- warning StageNameCasing: lowercase
EXPOSE 80/TCP
#<- warning ExposeProtoCasing: lowercase
#      ^ hover: -
VOLUME ['/data', '/log']
#<- warning JsonSingleQuotes: double quotes
CMD node server.js
#<- warning JSONArgsRecommended: JSON arguments
#   ^ action: exec form
