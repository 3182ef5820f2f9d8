// One walk over the fields of an op, for every printer: names and order are those of the proto files, which are also
// those of Go's JSON. Fields with their default value are left out, except where upstream's JSON has them always.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/solver/pb/ops.pb.h"

namespace loam::llb {

// Receives the fields. `name` is empty for the elements of a list; the keys of a map are names.
class FieldSink {
 public:
  enum class Shape : std::uint8_t { kObject, kList, kMap };

  virtual ~FieldSink() = default;
  virtual void Number(std::string_view name, std::int64_t value) = 0;
  virtual void Unsigned(std::string_view name, std::uint64_t value) = 0;
  virtual void Boolean(std::string_view name, bool value) = 0;
  virtual void Text(std::string_view name, std::string_view value) = 0;
  virtual void Bytes(std::string_view name, std::string_view value) = 0;
  virtual void Open(std::string_view name, Shape shape) = 0;
  virtual void Close(Shape shape) = 0;
};

// The fields of the message, without the braces around them.
void DescribeOp(const pb::Op& op, FieldSink& sink);
void DescribeDefinition(const pb::Definition& definition, FieldSink& sink);
void DescribeMetadata(const pb::OpMetadata& metadata, FieldSink& sink);

}  // namespace loam::llb
