// WORKDIR: the directory, made in the image unless it is the root.
#include <fmt/format.h>

#include "compiler/sema/dockerfile/container_path.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {

bool Converter::SetWorkdir(Stage& stage, std::string_view path, const ast::Text& where) {
  const auto directory = NormalizeWorkdir(stage.image.working_dir, path, stage.platform->os);
  if (!directory) {
    emitter_.Emit<Kind::kBadPath>(where.present() ? where.range : source::SourceRange(), directory.error().message());
    return false;
  }
  stage.image.working_dir = Intern(*directory);
  stage.state.dir = Intern(ToSlash(*directory, stage.platform->os));
  return true;
}

bool Converter::DoWorkdir(Stage& stage, const Command& command, const ast::Workdir& workdir) {
  std::string_view path;
  if (!Expand(stage, workdir.path, workdir, path)) {
    return false;
  }
  if (observer() != nullptr) {
    observer()->OnWorkdir(path, IsAbsoluteIn(path, stage.platform->os));
  }
  if (!SetWorkdir(stage, path, workdir.path)) {
    return false;
  }
  const std::string_view directory = stage.state.dir;
  const bool has_layer = directory != "/";
  if (has_layer) {
    const Fs base = stage.state.fs;
    ir::FileAction action;
    action.kind = ir::FileActionKind::kMkdir;
    action.input = base.is_scratch() ? -1 : 0;
    action.output = 0;
    action.path = Intern(CleanPath(directory));
    action.mode = 0755;
    action.make_parents = true;
    if (!stage.image.user.empty()) {
      action.owner = OwnerFrom(stage.image.user, action.input);
    }
    if (epoch_) {
      action.timestamp = *epoch_ * 1000000000;
    }
    const std::string name =
        VertexName(stage, CommandText(workdir.code(), stage.state.env, false), &*stage.platform, &stage.state.env);
    stage.state.fs = AddStep(AddFileOp(base.value, {}, {&action, 1}), Named(name, nullptr, command.lines), {base.step});
  }
  AddHistory(stage, fmt::format("WORKDIR {}", directory), has_layer, false);
  return true;
}

}  // namespace loam::sema
