#include "llb-emit/encode.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "base/check.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::llb {

namespace {

void AppendDeterministic(const google::protobuf::MessageLite& message, std::string& out) {
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  LOAM_CHECK(message.SerializeToCodedStream(&coded), "writing to a string cannot fail");
}

}  // namespace

std::string EncodeOp(const pb::Op& op) {
  // The oneof apart from the rest. Fields that this version does not know come last in both parts; they are known by
  // what is left of an op without any field.
  pb::Op plain = op;
  plain.clear_op();
  pb::Op kind = op;
  kind.clear_inputs();
  kind.clear_platform();
  kind.clear_constraints();
  pb::Op nothing = kind;
  nothing.clear_op();

  std::string unknown;
  AppendDeterministic(nothing, unknown);
  std::string bytes;
  AppendDeterministic(plain, bytes);
  bytes.resize(bytes.size() - unknown.size());
  AppendDeterministic(kind, bytes);
  return bytes;
}

std::string EncodeDefinition(const pb::Definition& definition) {
  std::string bytes;
  AppendDeterministic(definition, bytes);
  return bytes;
}

}  // namespace loam::llb
