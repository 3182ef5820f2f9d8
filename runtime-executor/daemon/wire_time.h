// Times as protobuf's Timestamp.
#pragma once

#include <optional>

#include "base/clock.h"
#include "proto/wkt/wkt.pb.h"

namespace loam::daemon {

inline wkt::Timestamp ToWire(WallTime time) {
  const std::int64_t nanoseconds = time.time_since_epoch().count();
  wkt::Timestamp wire;
  wire.set_seconds(nanoseconds / 1'000'000'000);
  wire.set_nanos(static_cast<std::int32_t>(nanoseconds % 1'000'000'000));
  return wire;
}

template <class Message>
void SetTime(const std::optional<WallTime>& time, Message& message, wkt::Timestamp* (Message::*member)()) {
  if (time) {
    *(message.*member)() = ToWire(*time);
  }
}

}  // namespace loam::daemon
