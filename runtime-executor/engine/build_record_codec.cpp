#include "runtime-executor/engine/build_record_codec.h"

#include "runtime-executor/cache/byte_codec.h"

namespace loam::engine {
namespace {

using cache::ByteReader;
using cache::ByteWriter;
using solver::StepReport;

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kIgnoreCache = 1;
constexpr std::uint64_t kTransient = 2;

tl::unexpected<Error> Damaged() {
  return Unexpected(ErrorCode::kDataLoss, "the record of a build is damaged");
}

void WriteTime(ByteWriter& writer, const std::optional<WallTime>& time) {
  writer.Int(time ? static_cast<std::uint64_t>(time->time_since_epoch().count()) : 0);
}

Result<std::optional<WallTime>> ReadTime(ByteReader& reader) {
  const std::uint64_t value = LOAM_TRY(reader.Int());
  return value == 0 ? std::nullopt
                    : std::optional(WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(value))));
}

Result<StepReport> ReadStep(ByteReader& reader) {
  StepReport step;
  step.vertex = LOAM_TRY(reader.Hash());
  step.name = LOAM_TRY(reader.Text());
  const std::uint64_t outcome = LOAM_TRY(reader.Int());
  if (outcome > static_cast<std::uint64_t>(StepReport::Outcome::kNotReached)) {
    return Damaged();
  }
  step.outcome = static_cast<StepReport::Outcome>(outcome);
  const std::uint64_t flags = LOAM_TRY(reader.Int());
  step.ignore_cache = (flags & kIgnoreCache) != 0;
  step.transient = (flags & kTransient) != 0;
  step.op_digest = LOAM_TRY(reader.Hash());
  step.preimage.fields.resize(LOAM_TRY(reader.Count()));
  for (auto& field : step.preimage.fields) {
    field.name = LOAM_TRY(reader.Text());
    field.value = LOAM_TRY(reader.Text());
  }
  step.preimage.files.resize(LOAM_TRY(reader.Count()));
  for (auto& file : step.preimage.files) {
    file.path = LOAM_TRY(reader.Text());
    file.digest = LOAM_TRY(reader.Hash());
  }
  step.inputs.resize(LOAM_TRY(reader.Count()));
  for (auto& input : step.inputs) {
    input.vertex = LOAM_TRY(reader.Hash());
    input.output = static_cast<std::uint32_t>(LOAM_TRY(reader.Int()));
    input.selector = LOAM_TRY(reader.Hash());
    input.content = LOAM_TRY(reader.Hash());
    input.content_base = LOAM_TRY(reader.Text());
  }
  step.started = LOAM_TRY(ReadTime(reader));
  step.completed = LOAM_TRY(ReadTime(reader));
  step.error = LOAM_TRY(reader.Text());
  return step;
}

}  // namespace

std::string EncodeSteps(const std::vector<StepReport>& steps) {
  ByteWriter writer;
  writer.Int(kVersion);
  writer.Int(steps.size());
  for (const StepReport& step : steps) {
    writer.Hash(step.vertex);
    writer.Text(step.name);
    writer.Int(static_cast<std::uint64_t>(step.outcome));
    writer.Int((step.ignore_cache ? kIgnoreCache : 0) | (step.transient ? kTransient : 0));
    writer.Hash(step.op_digest);
    writer.Int(step.preimage.fields.size());
    for (const auto& field : step.preimage.fields) {
      writer.Text(field.name);
      writer.Text(field.value);
    }
    writer.Int(step.preimage.files.size());
    for (const auto& file : step.preimage.files) {
      writer.Text(file.path);
      writer.Hash(file.digest);
    }
    writer.Int(step.inputs.size());
    for (const auto& input : step.inputs) {
      writer.Hash(input.vertex);
      writer.Int(input.output);
      writer.Hash(input.selector);
      writer.Hash(input.content);
      writer.Text(input.content_base);
    }
    WriteTime(writer, step.started);
    WriteTime(writer, step.completed);
    writer.Text(step.error);
  }
  return writer.Take();
}

Result<std::vector<StepReport>> DecodeSteps(std::string_view bytes) {
  ByteReader reader(bytes);
  if (LOAM_TRY(reader.Int()) != kVersion) {
    return Damaged();
  }
  std::vector<StepReport> steps;
  const std::size_t count = LOAM_TRY(reader.Count());
  for (std::size_t i = 0; i < count; ++i) {
    steps.push_back(LOAM_TRY(ReadStep(reader)));
  }
  if (!reader.at_end()) {
    return Damaged();
  }
  return steps;
}

}  // namespace loam::engine
