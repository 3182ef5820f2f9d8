FROM scratch as x
# ^ warning FromAsCasing: casing do not match
COPPY a b
#^^^^ error: did you mean `COPY`
MAINTAINER me
# ^ warning MaintainerDeprecated: deprecated
# ^ hover: Deprecated
