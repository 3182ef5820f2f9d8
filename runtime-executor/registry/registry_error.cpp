#include "runtime-executor/registry/registry_error.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace loam::registry {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestMessage = 300;

// Control characters could play tricks with a terminal.
std::string Printable(std::string_view text) {
  std::string out(text.substr(0, kLongestMessage));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return std::string(TrimSpace(out));
}

std::string WhatItSays(const HttpResponse& response) {
  const json body = json::parse(response.body, nullptr, false);
  std::vector<std::string> messages;
  if (body.is_object()) {
    if (const auto errors = body.find("errors"); errors != body.end() && errors->is_array()) {
      for (const json& error : *errors) {
        for (const char* key : {"message", "code"}) {
          if (error.is_object() && error.contains(key) && error[key].is_string()) {
            messages.push_back(Printable(error[key].get<std::string>()));
            break;
          }
        }
      }
    }
    for (const char* key : {"details", "message", "error_description", "error"}) {
      if (messages.empty() && body.contains(key) && body[key].is_string()) {
        messages.push_back(Printable(body[key].get<std::string>()));
      }
    }
    return Join(messages, "; ");
  }
  if (response.ContentType() != "text/plain") {
    return {};
  }
  return Printable(std::string_view(response.body).substr(0, response.body.find('\n')));
}

std::string StatusText(long status) {
  switch (status) {
    case 400:
      return "400 Bad Request";
    case 401:
      return "401 Unauthorized";
    case 403:
      return "403 Forbidden";
    case 404:
      return "404 Not Found";
    case 405:
      return "405 Method Not Allowed";
    case 413:
      return "413 Payload Too Large";
    case 416:
      return "416 Range Not Satisfiable";
    case 429:
      return "429 Too Many Requests";
    case 500:
      return "500 Internal Server Error";
    case 502:
      return "502 Bad Gateway";
    case 503:
      return "503 Service Unavailable";
    case 504:
      return "504 Gateway Timeout";
    default:
      return fmt::format("HTTP status {}", status);
  }
}

}  // namespace

bool IsTransientStatus(long status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501);
}

Error ErrorFromResponse(const HttpResponse& response, const ErrorContext& context) {
  const std::string says = WhatItSays(response);
  std::string message = StatusText(response.status);
  if (!says.empty()) {
    message += ": " + says;
  }
  const std::string log_in = fmt::format("log in with `docker login {}`", context.host);
  const std::string other_login =
      fmt::format("the credentials for `{}` in docker's config.json are not accepted or not sufficient", context.host);
  ErrorCode code = ErrorCode::kUnknown;
  std::string hint;
  if (response.status == 401) {
    code = ErrorCode::kUnauthenticated;
    hint = context.logged_in ? other_login + "; " + log_in : log_in;
  } else if (response.status == 403) {
    code = ErrorCode::kPermissionDenied;
    hint = context.logged_in ? other_login : log_in;
  } else if (response.status == 404) {
    code = ErrorCode::kNotFound;
    hint = context.push ? "does the repository exist, and does the registry allow to push?"
                        : fmt::format("check the name; for a private repository {}", log_in);
  } else if (response.status == 413) {
    code = ErrorCode::kResourceExhausted;
    hint = "a proxy in front of the registry limits the size of requests";
  } else if (response.status == 429) {
    code = ErrorCode::kResourceExhausted;
    hint = context.logged_in ? "wait until the limit of the registry is over, or use a mirror"
                             : fmt::format("wait, use a mirror, or {} for a higher limit", log_in);
  } else if (response.status >= 500) {
    code = ErrorCode::kUnavailable;
    hint = "the registry has a problem; try again later";
  } else if (response.status == 400) {
    code = ErrorCode::kInvalidArgument;
  }
  return Error(code, std::move(message)).WithHint(std::move(hint));
}

Error NotARegistryError(const HttpResponse& response, const std::string& host, const std::string& expected) {
  const std::string type = response.ContentType();
  return Error(ErrorCode::kFailedPrecondition, fmt::format("the server answered with {} instead of {}",
                                                           type.empty() ? "data of no type" : type, expected))
      .WithHint(fmt::format("is `{}` a registry? A proxy or a login page may be in between", host));
}

}  // namespace loam::registry
