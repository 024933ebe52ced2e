#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cstring>

namespace srs {

namespace {

bool ParseAddress(const std::string& address, uint16_t port, sockaddr_storage* to,
                  socklen_t* size) {
  std::memset(to, 0, sizeof(*to));
  auto* four = reinterpret_cast<sockaddr_in*>(to);
  if (inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    *size = sizeof(*four);
    return true;
  }
  std::memset(to, 0, sizeof(*to));
  auto* six = reinterpret_cast<sockaddr_in6*>(to);
  if (inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    *size = sizeof(*six);
    return true;
  }
  return false;
}

// A peer whose network vanished says nothing, and one that is sent nothing would never be missed.
void SetKeepAlive(int fd) {
  int on = 1;
  int idle_s = 60;
  int interval_s = 15;
  int probes = 4;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

int FailAndClose(int fd) {
  int error = errno;
  close(fd);
  return -error;
}

}  // namespace

void SetNoDelay(int fd, bool on) {
  int value = on ? 1 : 0;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
}

int OpenListener(const std::string& address, uint16_t port, int backlog) {
  sockaddr_storage to;
  socklen_t size;
  if (!ParseAddress(address, port, &to, &size)) return -EINVAL;
  int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // A listener on :: takes IPv6 only, so that 0.0.0.0 can stand beside it.
  if (to.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (bind(fd, reinterpret_cast<sockaddr*>(&to), size) != 0) return FailAndClose(fd);
  if (listen(fd, backlog) != 0) return FailAndClose(fd);
  return fd;
}

int OpenConnection(const std::string& address, uint16_t port) {
  sockaddr_storage to;
  socklen_t size;
  if (!ParseAddress(address, port, &to, &size)) return -EINVAL;
  int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  SetNoDelay(fd, true);
  SetKeepAlive(fd);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), size) != 0 && errno != EINPROGRESS) {
    return FailAndClose(fd);
  }
  return fd;
}

int AcceptConnection(int listener) {
  int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -errno;
  // Every write of ours is already a gathered one; waiting for more would only add latency.
  SetNoDelay(fd, true);
  SetKeepAlive(fd);
  return fd;
}

int PendingError(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

bool AddressOf(int fd, bool peer, std::string* address, uint16_t* port) {
  sockaddr_storage from;
  socklen_t size = sizeof(from);
  auto* plain = reinterpret_cast<sockaddr*>(&from);
  if ((peer ? getpeername(fd, plain, &size) : getsockname(fd, plain, &size)) != 0) return false;
  char text[INET6_ADDRSTRLEN];
  if (from.ss_family == AF_INET) {
    auto* four = reinterpret_cast<sockaddr_in*>(&from);
    inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
    *port = ntohs(four->sin_port);
  } else if (from.ss_family == AF_INET6) {
    auto* six = reinterpret_cast<sockaddr_in6*>(&from);
    inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
    *port = ntohs(six->sin6_port);
  } else {
    return false;
  }
  *address = text;
  return true;
}

}  // namespace srs
