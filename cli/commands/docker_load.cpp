// --load: hands a docker-archive to a Docker daemon over its API.
#include <curl/curl.h>
#include <sys/stat.h>

#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "cli/commands/build_outputs.h"

namespace loam::cli {

namespace {

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

std::size_t Append(const char* data, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

int StopRequested(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

// The daemon answers 200 and reports failures in its stream of JSON objects.
std::string ErrorIn(const std::string& body) {
  for (const std::string_view line : Split(body, '\n')) {
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_object() && object.contains("error") && object["error"].is_string()) {
      return object["error"].get<std::string>();
    }
    if (object.is_object() && object.contains("message") && object["message"].is_string()) {
      return object["message"].get<std::string>();
    }
  }
  return {};
}

}  // namespace

Result<> LoadIntoDocker(const Context& context, const std::string& archive) {
  std::string host = context.Env("DOCKER_HOST");
  if (host.empty()) {
    host = "unix:///var/run/docker.sock";
  }
  const std::unique_ptr<CURL, CurlFree> curl(curl_easy_init());
  std::string url = "http://docker/images/load?quiet=1";
  if (host.starts_with("unix://")) {
    curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, host.c_str() + std::string_view("unix://").size());
  } else if (host.starts_with("tcp://")) {
    url = fmt::format("http://{}/images/load?quiet=1", host.substr(std::string_view("tcp://").size()));
  } else {
    return Unexpected(
        Error(ErrorCode::kUnimplemented, fmt::format("`--load`: DOCKER_HOST={} is not supported", host))
            .WithHint("unix:// and tcp:// are; or write `-o type=docker,dest=image.tar` and `docker load` it"));
  }
  struct stat info {};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(archive.c_str(), "rb"), std::fclose);
  if (file == nullptr || ::fstat(::fileno(file.get()), &info) != 0) {
    return UnexpectedErrno(fmt::format("open {}", archive));
  }
  std::string body;
  curl_slist* const headers = curl_slist_append(nullptr, "Content-Type: application/x-tar");
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> keep_headers(headers, curl_slist_free_all);
  const std::stop_token stop = context.stop;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(info.st_size));
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, file.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, StopRequested);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &stop);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  if (code != CURLE_OK) {
    return Unexpected(Error(ErrorCode::kUnavailable,
                            fmt::format("`--load`: no Docker daemon answers at {}: {}", host, curl_easy_strerror(code)))
                          .WithHint("start Docker or set DOCKER_HOST; or write `-o type=docker,dest=image.tar`"));
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  const std::string error = ErrorIn(body);
  if (status != 200 || !error.empty()) {
    return Unexpected(ErrorCode::kUnknown, fmt::format("`--load`: the Docker daemon refused the image: {}",
                                                       error.empty() ? fmt::format("HTTP status {}", status) : error));
  }
  return {};
}

}  // namespace loam::cli
