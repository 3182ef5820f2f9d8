#include "language-server/server/script_checker.h"

#include <algorithm>
#include <utility>

namespace loam::lsp {
namespace {

// The report on a script of which nothing is known yet.
constexpr std::string_view kEmptyReport = R"({"comments":[]})";

}  // namespace

ScriptChecker::ScriptChecker(Run run, Ready ready, std::chrono::milliseconds pause, std::chrono::milliseconds interval)
    : run_(std::move(run)), ready_(std::move(ready)), pause_(pause), interval_(interval) {}

ScriptChecker::~ScriptChecker() {
  const std::lock_guard lock(mutex_);
  running_stop_.request_stop();
  thread_.request_stop();
  documents_.clear();
}

lint::RunProgram ScriptChecker::Look(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  Document& document = documents_[uri];
  document.before = std::move(document.scripts);
  document.shown_before = std::move(document.shown);
  document.scripts.clear();
  document.shown.clear();
  document.missing.clear();
  document.news = false;
  return [this, uri](const std::vector<std::string>& args, std::string_view input) { return Answer(uri, args, input); };
}

Result<std::string> ScriptChecker::Answer(const std::string& uri, const std::vector<std::string>& args,
                                          std::string_view input) {
  const std::lock_guard lock(mutex_);
  const auto found = documents_.find(uri);
  if (found == documents_.end()) {
    return std::string(kEmptyReport);
  }
  Document& document = found->second;
  Script script{args, std::string(input)};
  const std::size_t place = document.scripts.size();
  document.scripts.push_back(script);
  if (const auto known = document.reports.find(script); known != document.reports.end()) {
    document.shown.push_back(known->second ? *known->second : std::string(kEmptyReport));
    return known->second;
  }
  document.missing.push_back(std::move(script));
  std::string shown(kEmptyReport);
  if (place < document.before.size()) {
    const auto last = document.reports.find(document.before[place]);
    shown = last != document.reports.end() && last->second ? *last->second : document.shown_before[place];
  }
  document.shown.push_back(std::move(shown));
  return document.shown.back();
}

void ScriptChecker::EndLook(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  const auto found = documents_.find(uri);
  if (found == documents_.end()) {
    return;
  }
  Document& document = found->second;
  const auto is_there = [&](const Script& script) {
    return std::find(document.scripts.begin(), document.scripts.end(), script) != document.scripts.end();
  };
  std::erase_if(document.reports, [&](const auto& entry) { return !is_there(entry.first); });
  if (running_uri_ == uri && !is_there(running_)) {
    running_stop_.request_stop();
  }
  if (document.missing.empty()) {
    return;
  }
  std::reverse(document.missing.begin(), document.missing.end());
  document.due = Clock::now() + pause_;
  document.told = document.due;
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Work(stop); });
  }
  has_changed_ = true;
  changed_.notify_all();
}

void ScriptChecker::Forget(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  documents_.erase(uri);
  if (running_uri_ == uri) {
    running_stop_.request_stop();
  }
}

void ScriptChecker::ForgetFailures() {
  const std::lock_guard lock(mutex_);
  for (auto& [uri, document] : documents_) {
    std::erase_if(document.reports, [](const auto& entry) { return !entry.second.has_value(); });
  }
}

std::map<std::string, ScriptChecker::Document>::iterator ScriptChecker::NextDue(Clock::time_point& until) {
  const Clock::time_point now = Clock::now();
  for (auto at = documents_.begin(); at != documents_.end(); ++at) {
    if (at->second.missing.empty()) {
      continue;
    }
    if (at->second.due <= now) {
      return at;
    }
    until = std::min(until, at->second.due);
  }
  return documents_.end();
}

void ScriptChecker::Work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    Clock::time_point until = Clock::now() + std::chrono::hours(1);
    const auto due = NextDue(until);
    if (due == documents_.end()) {
      changed_.wait_until(lock, stop, until, [this] { return std::exchange(has_changed_, false); });
      continue;
    }
    const std::string uri = due->first;
    const Script script = std::move(due->second.missing.back());
    due->second.missing.pop_back();
    if (!due->second.reports.contains(script)) {
      running_uri_ = uri;
      running_ = script;
      running_stop_ = {};
      const std::stop_token ended = running_stop_.get_token();
      lock.unlock();
      Result<std::string> report = run_(script.args, script.input, ended);
      lock.lock();
      running_uri_.clear();
      const auto document = documents_.find(uri);
      if (ended.stop_requested() || document == documents_.end()) {
        continue;
      }
      document->second.reports.insert_or_assign(script, std::move(report));
      document->second.news = true;
    }
    Document& document = documents_.find(uri)->second;
    const Clock::time_point now = Clock::now();
    if (document.news && (document.missing.empty() || now - document.told >= interval_)) {
      document.told = now;
      lock.unlock();
      ready_(uri);
      lock.lock();
    }
  }
}

}  // namespace loam::lsp
