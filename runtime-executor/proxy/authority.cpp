#include "runtime-executor/proxy/authority.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

#include <fmt/format.h>

#include "base/freed_by.h"

namespace loam::proxy {
namespace {

constexpr long kHour = 3600;
constexpr long kLifetime = 10L * 365 * 24 * kHour;
constexpr std::size_t kMaxContexts = 1024;

using KeyPtr = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreedBy<X509_free>>;

tl::unexpected<Error> Failed(std::string_view doing) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Unexpected(ErrorCode::kInternal, fmt::format("{}: {}", doing, text.data()));
}

bool AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Without extensions and signature.
CertificatePtr NewCertificate(const std::string& name, EVP_PKEY* key, X509* issuer) {
  CertificatePtr certificate(X509_new());
  std::array<unsigned char, 16> serial{};
  if (!certificate || RAND_bytes(serial.data(), serial.size()) != 1) {
    return nullptr;
  }
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7FU) | 0x40U);  // positive
  const std::unique_ptr<BIGNUM, FreedBy<BN_free>> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  // A common name has 64 letters at most; who is meant is said by the alternative name.
  const std::string common = name.substr(0, 64);
  const bool good =
      number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) != nullptr &&
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kHour) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kLifetime) != nullptr &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.c_str()),
                                 -1, -1, 0) == 1 &&
      X509_set_issuer_name(certificate.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer)) == 1 &&
      X509_set_pubkey(certificate.get(), key) == 1;
  return good ? std::move(certificate) : nullptr;
}

bool IsAddress(const std::string& host) {
  std::array<unsigned char, 16> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

// What can stand in a certificate as it is.
bool IsHost(const std::string& host) {
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:") ==
             std::string::npos;
}

}  // namespace

struct Authority::Keys {
  KeyPtr key;
  CertificatePtr certificate;
  // Of all hosts.
  KeyPtr leaf;
};

Authority::Authority(std::unique_ptr<Keys> keys, std::string pem) : keys_(std::move(keys)), pem_(std::move(pem)) {}
Authority::~Authority() = default;

Result<std::unique_ptr<Authority>> Authority::Make() {
  auto keys = std::make_unique<Keys>();
  keys->key.reset(EVP_EC_gen("P-256"));
  keys->leaf.reset(EVP_EC_gen("P-256"));
  if (!keys->key || !keys->leaf) {
    return Failed("make keys");
  }
  keys->certificate = NewCertificate("loam step proxy", keys->key.get(), nullptr);
  X509* certificate = keys->certificate.get();
  if (certificate == nullptr || !AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") ||
      !AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,digitalSignature") ||
      !AddExtension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      X509_sign(certificate, keys->key.get(), EVP_sha256()) == 0) {
    return Failed("make a certificate");
  }
  const std::unique_ptr<BIO, FreedBy<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  if (!memory || PEM_write_bio_X509(memory.get(), certificate) != 1) {
    return Failed("write a certificate");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  std::string pem(text, static_cast<std::size_t>(size));
  return std::unique_ptr<Authority>(new Authority(std::move(keys), std::move(pem)));
}

Result<std::shared_ptr<ssl_ctx_st>> Authority::ContextFor(const std::string& host) {
  if (!IsHost(host)) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no host", host));
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = contexts_.find(host); found != contexts_.end()) {
    return found->second;
  }
  const CertificatePtr certificate = NewCertificate(host, keys_->leaf.get(), keys_->certificate.get());
  const std::string name = (IsAddress(host) ? "IP:" : "DNS:") + host;
  if (!certificate ||
      !AddExtension(certificate.get(), keys_->certificate.get(), NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(certificate.get(), keys_->certificate.get(), NID_ext_key_usage, "serverAuth") ||
      !AddExtension(certificate.get(), keys_->certificate.get(), NID_subject_alt_name, name) ||
      X509_sign(certificate.get(), keys_->key.get(), EVP_sha256()) == 0) {
    return Failed("make a certificate for " + host);
  }
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context || SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), keys_->leaf.get()) != 1) {
    return Failed("use a certificate");
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (age_.size() == kMaxContexts) {
    contexts_.erase(age_.front());
    age_.pop_front();
  }
  age_.push_back(host);
  return contexts_[host] = context;
}

}  // namespace loam::proxy
