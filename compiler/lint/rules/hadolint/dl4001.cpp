// DL4001: wget and curl in one stage.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL4001(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    bool wget = false;
    bool curl = false;
    for (const InstructionView* view : stage.instructions) {
      bool uses = false;
      for (const shell::Command& command : view->script.commands) {
        wget = wget || command.name() == "wget";
        curl = curl || command.name() == "curl";
        uses = uses || command.name() == "wget" || command.name() == "curl";
      }
      if (uses && wget && curl) {
        report(*view);
      }
    }
  }
}

}  // namespace loam::lint::hadolint
