#include "runtime-executor/registry/http_client.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include <fmt/format.h>

#include "base/check.h"
#include "base/freed_by.h"
#include "base/strings.h"

namespace loam::registry {
namespace {

constexpr int kPollMs = 1000;
constexpr long kMaxRedirects = 10;
constexpr std::size_t kMaxHeaderBytes = 256U << 10U;
constexpr std::size_t kKeptSessions = 16;

using EasyHandle = std::unique_ptr<CURL, FreedBy<curl_easy_cleanup>>;
using MultiHandle = std::unique_ptr<CURLM, FreedBy<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, FreedBy<curl_slist_free_all>>;
using UrlHandle = std::unique_ptr<CURLU, FreedBy<curl_url_cleanup>>;

// libcurl's own initialisation, which it wants once a process and before anything else. Done for the first request, not
// at the start: it loads the library and all that it depends on.
void InitialiseLibrary() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  LOAM_CHECK(result == CURLE_OK, "libcurl cannot be initialised");
}

// A handle with the connections it has open (they belong to the multi handle).
struct Session {
  MultiHandle multi{curl_multi_init()};
  EasyHandle easy{curl_easy_init()};
  std::string origin;
};

// One request under way; what libcurl's callbacks work on.
struct Exchange {
  const HttpRequest& request;
  CURL* easy;
  HttpResponse response;
  std::optional<Error> failure;
  std::size_t header_bytes = 0;
  std::uint64_t sent = 0;
  bool head_done = false;

  void Fail(Error error) {
    if (!failure) {
      failure = std::move(error);
    }
  }
};

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::size_t bytes = size * count;
  const std::string_view line = TrimSpace(std::string_view(data, bytes));
  exchange.header_bytes += bytes;
  if (exchange.header_bytes > kMaxHeaderBytes) {
    exchange.Fail(Error(ErrorCode::kResourceExhausted, "the server sends endless headers"));
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // the first of several answers was a redirect or "100 Continue"
    exchange.response.headers.clear();
    exchange.response.body.clear();
    exchange.head_done = false;
  } else if (const auto pair = SplitOnce(line, ':')) {
    std::string& value = exchange.response.headers[ToLowerAscii(TrimSpace(pair->first))];
    value.append(value.empty() ? "" : ", ").append(TrimSpace(pair->second));
  }
  return bytes;
}

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view piece(data, size * count);
  HttpResponse& response = exchange.response;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &response.status);
  if (response.ok() && exchange.request.receiver) {
    if (!exchange.head_done) {
      exchange.head_done = true;
      if (exchange.request.on_head) {
        if (auto checked = exchange.request.on_head(response); !checked) {
          exchange.Fail(std::move(checked).error());
          return 0;
        }
      }
    }
    if (auto taken = exchange.request.receiver(response, piece); !taken) {
      exchange.Fail(std::move(taken).error());
      return 0;
    }
    return piece.size();
  }
  const std::uint64_t room =
      exchange.request.body_limit - std::min<std::uint64_t>(exchange.request.body_limit, response.body.size());
  if (piece.size() > room) {
    if (response.ok()) {
      exchange.Fail(Error(
          ErrorCode::kResourceExhausted,
          fmt::format("the answer is longer than the {} that are allowed", HumanBytes(exchange.request.body_limit))));
    }
    response.body.append(piece.substr(0, room));
    return 0;
  }
  response.body.append(piece);
  return piece.size();
}

std::size_t OnRead(char* buffer, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const HttpRequest& request = exchange.request;
  std::size_t bytes = 0;
  if (request.body_fd >= 0) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(size * count, request.body_size - exchange.sent));
    const ssize_t got =
        ::pread(request.body_fd, buffer, wanted, static_cast<off_t>(request.body_offset + exchange.sent));
    if (got < 0 || (got == 0 && wanted > 0)) {
      exchange.Fail(got < 0 ? Error::FromErrno(errno, "read the data to send")
                            : Error(ErrorCode::kDataLoss, "the file to send is shorter than it should be"));
      return CURL_READFUNC_ABORT;
    }
    bytes = static_cast<std::size_t>(got);
  } else {
    bytes = std::min(size * count, request.body.size() - static_cast<std::size_t>(exchange.sent));
    request.body.copy(buffer, bytes, static_cast<std::size_t>(exchange.sent));
  }
  exchange.sent += bytes;
  if (request.on_sent) {
    request.on_sent(exchange.sent);
  }
  return bytes;
}

int OnSeek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET || offset < 0) {
    return CURL_SEEKFUNC_CANTSEEK;
  }
  static_cast<Exchange*>(user)->sent = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

Error ConnectionError(CURLcode code, CURL* easy, const char* detail, const HttpOptions& options) {
  long os_errno = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
  bool transient = true;
  bool tls = false;
  ErrorCode error_code = ErrorCode::kUnavailable;
  std::string text = *detail != '\0' ? detail : curl_easy_strerror(code);
  std::string hint;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: {
      double connect_seconds = 0;
      curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME, &connect_seconds);
      text = connect_seconds == 0
                 ? fmt::format("no connection within {} s", static_cast<double>(options.connect_timeout.count()) / 1000)
                 : fmt::format("the server has sent nothing for {} s", options.stall_timeout.count());
      error_code = ErrorCode::kDeadlineExceeded;
      hint = "check the network, or try again later";
      break;
    }
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      // In the words of BuildKit, whose clients look for them; curl ends its own with the name.
      text = fmt::format("dial tcp: lookup {}: no such host", text.substr(text.rfind(' ') + 1));
      transient = false;
      hint = "check the host name and the DNS settings";
      break;
    case CURLE_COULDNT_CONNECT:
      transient = os_errno != ECONNREFUSED;
      hint = "is the registry running, and is the port right?";
      break;
    case CURLE_SSL_CONNECT_ERROR:
      transient = false;
      tls = true;
      hint = "the host may speak plain HTTP only";
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      transient = false;
      tls = true;
      hint = "install the certificate of its authority on this machine";
      break;
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      transient = false;
      break;
    default:  // libcurl's codes, not ours
      break;
  }
  return Error(error_code, std::move(text))
      .WithHint(std::move(hint))
      .WithDetail(std::make_shared<ConnectionErrorDetail>(transient, tls));
}

}  // namespace

const std::string& HttpResponse::Header(std::string_view name) const {
  static const std::string kNone;
  const auto found = headers.find(name);
  return found == headers.end() ? kNone : found->second;
}

std::string HttpResponse::ContentType() const {
  const std::string& header = Header("content-type");
  return ToLowerAscii(TrimSpace(std::string_view(header).substr(0, header.find(';'))));
}

struct HttpClient::State {
  HttpOptions options;
  std::mutex mutex;  // guards idle
  std::vector<std::unique_ptr<Session>> idle;

  std::unique_ptr<Session> Take(const std::string& origin) {
    const std::scoped_lock lock(mutex);
    const auto found = std::find_if(idle.rbegin(), idle.rend(), [&](const auto& s) { return s->origin == origin; });
    if (found != idle.rend()) {
      auto session = std::move(*found);
      idle.erase(std::next(found).base());
      return session;
    }
    auto session = std::make_unique<Session>();
    session->origin = origin;
    return session;
  }

  void Give(std::unique_ptr<Session> session) {
    const std::scoped_lock lock(mutex);
    if (idle.size() == kKeptSessions) {
      idle.erase(idle.begin());
    }
    idle.push_back(std::move(session));
  }
};

HttpClient::HttpClient(HttpOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}

HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::Perform(const HttpRequest& request, std::stop_token stop) {
  const auto cancelled = [] { return Unexpected(ErrorCode::kCanceled, "context canceled"); };
  if (stop.stop_requested()) {
    return cancelled();
  }
  InitialiseLibrary();
  std::unique_ptr<Session> session = state_->Take(UrlOrigin(request.url));
  CURL* easy = session->easy.get();
  CURLM* multi = session->multi.get();
  LOAM_CHECK(easy != nullptr && multi != nullptr, "out of memory for a connection");
  curl_easy_reset(easy);

  Exchange exchange{request, easy, {}, {}, 0, 0, false};
  char detail[CURL_ERROR_SIZE] = {};
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) {
    list = curl_slist_append(list, header.c_str());
  }
  list = curl_slist_append(list, "Expect:");  // do not wait for "100 Continue"
  const HeaderList headers(list);
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_USERAGENT, state_->options.user_agent.c_str());
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  // A redirect never leads from HTTPS to plain HTTP.
  set(CURLOPT_REDIR_PROTOCOLS_STR, request.url.starts_with("https:") ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, kMaxRedirects);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(state_->options.connect_timeout.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(state_->options.stall_timeout.count()));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_BUFFERSIZE, 512L << 10U);
  set(CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10U);
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(detail));
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  if (request.accept_gzip) {
    set(CURLOPT_ACCEPT_ENCODING, "gzip");
  }
  if (request.no_proxy) {
    set(CURLOPT_NOPROXY, "*");
  }
  if (!request.tls.verify) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!request.tls.ca_file.empty()) {
    set(CURLOPT_CAINFO, request.tls.ca_file.c_str());
  }
  if (!request.tls.client_cert_file.empty()) {
    set(CURLOPT_SSLCERT, request.tls.client_cert_file.c_str());
    set(CURLOPT_SSLKEY, request.tls.client_key_file.c_str());
  }
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    const std::uint64_t size = request.body_fd >= 0 ? request.body_size : request.body.size();
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    set(CURLOPT_READFUNCTION, &OnRead);
    set(CURLOPT_READDATA, static_cast<void*>(&exchange));
    set(CURLOPT_SEEKFUNCTION, &OnSeek);
    set(CURLOPT_SEEKDATA, static_cast<void*>(&exchange));
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  curl_multi_add_handle(multi, easy);
  std::optional<CURLcode> result;
  {
    const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
    int running = 1;
    while (running > 0 && !stop.stop_requested()) {
      if (curl_multi_perform(multi, &running) != CURLM_OK) {
        break;
      }
      if (running > 0) {
        curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr);
      }
    }
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) {
      result = message->data.result;
    }
  }
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &exchange.response.status);
  if (const char* url = nullptr; curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK && url != nullptr) {
    exchange.response.url = url;
  }
  std::optional<Error> error;
  if (exchange.failure) {
    error = std::move(exchange.failure);
  } else if (!result) {
    error = stop.stop_requested() ? Error(ErrorCode::kCanceled, "context canceled")
                                  : Error(ErrorCode::kInternal, "libcurl failed");
  } else if (*result != CURLE_OK && !(*result == CURLE_WRITE_ERROR && !exchange.response.ok())) {
    error = ConnectionError(*result, easy, static_cast<const char*>(detail), state_->options);
  }
  curl_multi_remove_handle(multi, easy);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  state_->Give(std::move(session));
  if (error) {
    return tl::unexpected(std::move(*error));
  }
  if (exchange.response.ok() && request.on_head && !exchange.head_done) {  // an empty body
    LOAM_TRY(request.on_head(exchange.response));
  }
  return std::move(exchange.response);
}

Result<std::string> ResolveUrl(const std::string& base, const std::string& reference) {
  const UrlHandle url(curl_url());
  char* text = nullptr;
  if (curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK ||
      curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is not a URL", reference));
  }
  std::string result = text;
  curl_free(text);
  return result;
}

std::string UrlOrigin(const std::string& url_text) {
  const UrlHandle url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, url_text.c_str(), 0) != CURLUE_OK) {
    return {};
  }
  std::string origin;
  for (const auto& [part, before, flags] : {std::tuple(CURLUPART_SCHEME, "", 0U), std::tuple(CURLUPART_HOST, "://", 0U),
                                            std::tuple(CURLUPART_PORT, ":", unsigned{CURLU_DEFAULT_PORT})}) {
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) {
      return {};
    }
    origin.append(before).append(text);
    curl_free(text);
  }
  return ToLowerAscii(origin);
}

std::string UrlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

void AddQuery(std::string& url, std::string_view name, std::string_view value) {
  url += url.find('?') == std::string::npos ? '?' : '&';
  url.append(name).append("=").append(UrlEscape(value));
}

}  // namespace loam::registry
