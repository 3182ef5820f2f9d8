#include "compiler/sema/dockerfile/image_config.h"

#include <algorithm>
#include <new>

#include "base/go_json.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/json_reader.h"

namespace loam::sema {
namespace {

class Reader {
 public:
  Reader(std::string_view json, ir::Graph& graph) : json_(json), graph_(&graph) {}

  bool Read(ImageConfig& config) {
    for (bool more = json_.BeginObject(); more; more = json_.NextField()) {
      const std::string& key = json_.key();
      if (key == "created") {
        config.created = Text();
      } else if (key == "author") {
        config.author = Text();
      } else if (key == "architecture") {
        config.platform.architecture = Text();
      } else if (key == "os") {
        config.platform.os = Text();
      } else if (key == "os.version") {
        config.platform.os_version = Text();
      } else if (key == "os.features") {
        config.platform.os_features = graph_->CopyArray<std::string_view>(List());
      } else if (key == "variant") {
        config.platform.variant = Text();
      } else if (key == "config") {
        ReadConfig(config);
      } else if (key == "rootfs") {
        ReadRootfs(config);
      } else if (key == "history") {
        for (bool item = json_.BeginArray(); item; item = json_.NextItem()) {
          AddHistoryEntry(config, ReadHistory(), *graph_);
        }
      } else {
        json_.Skip();
      }
    }
    return json_.AtEnd();
  }

 private:
  std::string_view Text() { return graph_->Intern(json_.String()); }

  std::vector<std::string_view> List() {
    std::vector<std::string_view> items;
    for (bool more = json_.BeginArray(); more; more = json_.NextItem()) {
      items.push_back(Text());
    }
    return items;
  }

  std::vector<std::string_view> Keys() {
    std::vector<std::string_view> keys;
    for (bool more = json_.BeginObject(); more; more = json_.NextField()) {
      keys.push_back(graph_->Intern(json_.key()));
      json_.Skip();
    }
    return keys;
  }

  void ReadConfig(ImageConfig& config) {
    for (bool more = json_.BeginObject(); more; more = json_.NextField()) {
      const std::string& key = json_.key();
      if (key == "User") {
        config.user = Text();
      } else if (key == "ExposedPorts") {
        config.exposed_ports = Keys();
      } else if (key == "Env") {
        config.env = List();
      } else if (key == "Entrypoint") {
        config.entrypoint = List();
      } else if (key == "Cmd") {
        config.cmd = List();
      } else if (key == "Volumes") {
        config.volumes = Keys();
      } else if (key == "WorkingDir") {
        config.working_dir = Text();
      } else if (key == "Labels") {
        for (bool label = json_.BeginObject(); label; label = json_.NextField()) {
          const std::string_view name = graph_->Intern(json_.key());
          config.labels.emplace_back(name, Text());
        }
      } else if (key == "StopSignal") {
        config.stop_signal = Text();
      } else if (key == "ArgsEscaped") {
        config.args_escaped = json_.Bool();
      } else if (key == "Healthcheck") {
        ReadHealthcheck(config);
      } else if (key == "OnBuild") {
        config.on_build = List();
      } else if (key == "Shell") {
        config.shell = List();
      } else {
        json_.Skip();
      }
    }
  }

  void ReadHealthcheck(ImageConfig& config) {
    if (json_.Null()) {
      return;
    }
    Healthcheck& check = config.healthcheck.emplace();
    for (bool more = json_.BeginObject(); more; more = json_.NextField()) {
      const std::string& key = json_.key();
      if (key == "Test") {
        check.test = List();
      } else if (key == "Interval") {
        check.interval = json_.Integer();
      } else if (key == "Timeout") {
        check.timeout = json_.Integer();
      } else if (key == "StartPeriod") {
        check.start_period = json_.Integer();
      } else if (key == "StartInterval") {
        check.start_interval = json_.Integer();
      } else if (key == "Retries") {
        check.retries = json_.Integer();
      } else {
        json_.Skip();
      }
    }
  }

  void ReadRootfs(ImageConfig& config) {
    for (bool more = json_.BeginObject(); more; more = json_.NextField()) {
      if (json_.key() == "type") {
        config.rootfs_type = Text();
      } else if (json_.key() == "diff_ids") {
        if (!json_.Null()) {
          config.diff_ids = List();
        }
      } else {
        json_.Skip();
      }
    }
  }

  HistoryEntry ReadHistory() {
    HistoryEntry entry;
    for (bool more = json_.BeginObject(); more; more = json_.NextField()) {
      const std::string& key = json_.key();
      if (key == "created") {
        entry.created = Text();
      } else if (key == "created_by") {
        entry.created_by = Text();
      } else if (key == "author") {
        entry.author = Text();
      } else if (key == "comment") {
        entry.comment = Text();
      } else if (key == "empty_layer") {
        entry.empty_layer = json_.Bool();
      } else {
        json_.Skip();
      }
    }
    return entry;
  }

  JsonReader json_;
  ir::Graph* graph_;
};

class Writer {
 public:
  std::string Take() && { return std::move(out_); }

  void Open() {
    out_ += '{';
    first_ = true;
  }
  void Close() {
    out_ += '}';
    first_ = false;
  }
  void Name(std::string_view name) {
    if (!first_) {
      out_ += ',';
    }
    first_ = false;
    out_.append("\"").append(name).append("\":");
  }
  void Raw(std::string_view json) { out_ += json; }
  void Always(std::string_view name, std::string_view text) {
    Name(name);
    AppendGoJsonString(out_, text);
  }
  void Text(std::string_view name, std::string_view text) {
    if (!text.empty()) {
      Always(name, text);
    }
  }
  void List(std::string_view name, std::span<const std::string_view> items) {
    if (!items.empty()) {
      Name(name);
      out_ += GoJsonStringList(items);
    }
  }
  void Set(std::string_view name, std::vector<std::string_view> keys) {
    if (keys.empty()) {
      return;
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    Name(name);
    Open();
    for (const std::string_view key : keys) {
      if (!first_) {
        out_ += ',';
      }
      first_ = false;
      AppendGoJsonString(out_, key);
      out_ += ":{}";
    }
    Close();
  }
  void Number(std::string_view name, std::int64_t number) {
    if (number != 0) {
      Name(name);
      out_ += std::to_string(number);
    }
  }
  void True(std::string_view name, bool value) {
    if (value) {
      Name(name);
      out_ += "true";
    }
  }
  void Labels(std::vector<std::pair<std::string_view, std::string_view>> labels) {
    if (labels.empty()) {
      return;
    }
    std::stable_sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    Name("Labels");
    Open();
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (i + 1 < labels.size() && labels[i + 1].first == labels[i].first) {
        continue;
      }
      if (!first_) {
        out_ += ',';
      }
      first_ = false;
      AppendGoJsonString(out_, labels[i].first);
      out_ += ':';
      AppendGoJsonString(out_, labels[i].second);
    }
    Close();
  }

 private:
  std::string out_;
  bool first_ = true;
};

}  // namespace

void AddHistoryEntry(ImageConfig& config, const HistoryEntry& entry, ir::Graph& graph) {
  config.history = new (graph.Allocate(sizeof(HistoryList), alignof(HistoryList))) HistoryList{entry, config.history};
}

Result<ImageConfig> ParseImageConfig(std::string_view json, ir::Graph& graph) {
  ImageConfig config;
  if (!Reader(json, graph).Read(config)) {
    return Unexpected(ErrorCode::kInvalidArgument, "the image config is not valid JSON of an image config");
  }
  return config;
}

std::string WriteImageConfig(const ImageConfig& config) {
  Writer out;
  out.Open();
  out.Text("created", config.created);
  out.Text("author", config.author);
  out.Always("architecture", config.platform.architecture);
  out.Always("os", config.platform.os);
  out.Text("os.version", config.platform.os_version);
  out.List("os.features", config.platform.os_features);
  out.Text("variant", config.platform.variant);
  out.Name("rootfs");
  out.Open();
  out.Always("type", config.rootfs_type);
  out.Name("diff_ids");
  out.Raw(config.diff_ids ? GoJsonStringList(*config.diff_ids) : "null");
  out.Close();
  if (config.history != nullptr) {
    std::vector<const HistoryEntry*> history;
    for (const HistoryList* item = config.history; item != nullptr; item = item->older) {
      history.push_back(&item->entry);
    }
    out.Name("history");
    out.Raw("[");
    for (std::size_t i = 0; i < history.size(); ++i) {
      const HistoryEntry& entry = *history[history.size() - 1 - i];
      out.Raw(i > 0 ? "," : "");
      out.Open();
      out.Text("created", entry.created);
      out.Text("created_by", entry.created_by);
      out.Text("author", entry.author);
      out.Text("comment", entry.comment);
      out.True("empty_layer", entry.empty_layer);
      out.Close();
    }
    out.Raw("]");
  }
  out.Name("config");
  out.Open();
  out.Text("User", config.user);
  out.Set("ExposedPorts", config.exposed_ports);
  out.List("Env", config.env);
  out.List("Entrypoint", config.entrypoint);
  out.List("Cmd", config.cmd);
  out.Set("Volumes", config.volumes);
  out.Text("WorkingDir", config.working_dir);
  out.Labels(config.labels);
  out.Text("StopSignal", config.stop_signal);
  out.True("ArgsEscaped", config.args_escaped);
  if (config.healthcheck) {
    out.Name("Healthcheck");
    out.Open();
    out.List("Test", config.healthcheck->test);
    out.Number("Interval", config.healthcheck->interval);
    out.Number("Timeout", config.healthcheck->timeout);
    out.Number("StartPeriod", config.healthcheck->start_period);
    out.Number("StartInterval", config.healthcheck->start_interval);
    out.Number("Retries", config.healthcheck->retries);
    out.Close();
  }
  out.List("OnBuild", config.on_build);
  out.List("Shell", config.shell);
  out.Close();
  out.Close();
  return std::move(out).Take();
}

std::string_view DefaultPath(std::string_view os) {
  return os == "windows" ? "c:\\Windows\\System32;c:\\Windows;C:\\Windows\\System32\\WindowsPowerShell\\v1.0"
                         : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

ImageConfig EmptyImageConfig(const ir::Platform& platform) {
  ImageConfig config;
  config.platform = platform;
  config.rootfs_type = "layers";
  config.working_dir = "/";
  if (platform.os != "windows") {
    config.env.push_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  }
  return config;
}

}  // namespace loam::sema
