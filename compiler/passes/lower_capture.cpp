#include "compiler/passes/lower_capture.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "compiler/passes/rewriter.h"

namespace loam::passes {
namespace {

constexpr std::string_view kDirectory = "/capture";
// The answer is the command's whatever its exit code: the exec itself succeeds whenever the shell could be started.
constexpr std::string_view kScript = "\"$@\" >/run/loam-capture/stdout\necho \"$?\" >/run/loam-capture/exit-code";
constexpr std::int32_t kWritableByAll = 01777;

// An empty directory that any user may write.
ir::Value OutputDirectory(ir::Graph& graph) {
  const std::array actions = {
      ir::FileAction{.kind = ir::FileActionKind::kMkdir, .output = 0, .path = kDirectory, .mode = kWritableByAll}};
  const ir::Value directory = graph.Add<ir::OpKind::kFile>({}, {.actions = actions});
  if (graph.MetadataOf(directory.node_id()).empty()) {
    const std::array name = {ir::KeyValue{kCustomName, "[internal] directory for the output of commands"}};
    graph.Annotate(directory, {.description = name});
  }
  return directory;
}

}  // namespace

ir::Value LowerCapture(ir::Graph& graph, ir::Value capture, CaptureRoot root) {
  const ir::Node& node = graph.node(capture);
  LOAM_CHECK(node.kind() == ir::OpKind::kCapture, "LowerCapture of another op");
  ir::ExecAttrs exec = node.As<ir::ExecAttrs>();

  std::vector<std::string_view> args = {"/bin/sh", "-c", kScript, "capture"};
  args.insert(args.end(), exec.args.begin(), exec.args.end());
  exec.args = args;

  const ir::Value directory = OutputDirectory(graph);
  std::vector<ir::Value> operands(node.operands().begin(), node.operands().end());
  auto input = std::find(operands.begin(), operands.end(), directory);
  if (input == operands.end()) {
    input = operands.insert(operands.end(), directory);
  }

  std::vector<ir::Mount> mounts(exec.mounts.begin(), exec.mounts.end());
  for (ir::Mount& mount : mounts) {
    if (mount.kind != ir::MountKind::kSecret && mount.kind != ir::MountKind::kSsh) {
      mount.output = root == CaptureRoot::kUnused && mount.dest == "/" ? 0 : -1;
    }
  }
  // Outputs are numbered in the order of the mounts.
  const std::uint32_t result = root == CaptureRoot::kUnused ? 1 : 0;
  const ir::Mount output{
      .input = input - operands.begin(), .selector = kDirectory, .dest = kCaptureMount, .output = result};
  // Sorted by destination, secrets and sockets last.
  const auto place = std::find_if(mounts.begin(), mounts.end(), [](const ir::Mount& mount) {
    return mount.kind == ir::MountKind::kSecret || mount.kind == ir::MountKind::kSsh || mount.dest > kCaptureMount;
  });
  mounts.insert(place, output);
  exec.mounts = mounts;

  ir::Value lowered = graph.Add<ir::OpKind::kExec>(
      operands, exec, {.platform = node.platform(), .worker_constraints = node.worker_constraints()});
  if (graph.MetadataOf(lowered.node_id()).empty()) {
    for (const ir::Metadata* const metadata : graph.MetadataOf(capture.node_id())) {
      graph.Annotate(lowered, *metadata);
    }
  }
  lowered.result = result;
  return lowered;
}

}  // namespace loam::passes
