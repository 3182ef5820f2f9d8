// loam version
#include "base/print.h"
#include "cli/commands/verbs.h"

namespace loam::cli {

namespace {

Exit Run(Context& context, const Flags& /*flags*/) {
  PrintTo(context.out, "loam {}\n", LOAM_VERSION);
  return Exit::kOk;
}

}  // namespace

const Command kVersionCommand = {
    .name = "version", .summary = "print the version", .usage = "loam version", .flags = {}, .run = Run};

}  // namespace loam::cli
