// Listening and connecting: results are numbers, negative ones are errnos.
#include <errno.h>

#include "addon.h"

namespace srs {

namespace {

// listen(address, port, backlog) -> listener
NAN_METHOD(Listen) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  Nan::Utf8String address(info[0]);
  info.GetReturnValue().Set(loop->Listen(*address == nullptr ? "" : *address,
                                         static_cast<uint16_t>(IntOf(info[1])), IntOf(info[2])));
}

// listenerPort(listener) -> port
NAN_METHOD(ListenerPort) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  std::string address;
  uint16_t port = 0;
  bool known = AddressOf(loop->ListenerDescriptor(IntOf(info[0])), false, &address, &port);
  info.GetReturnValue().Set(known ? port : -EBADF);
}

// closeListener(listener)
NAN_METHOD(CloseListener) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->CloseListener(IntOf(info[0]));
}

// connect(address, port, timeoutMs) -> slot
NAN_METHOD(Connect) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  Nan::Utf8String address(info[0]);
  info.GetReturnValue().Set(loop->Connect(*address == nullptr ? "" : *address,
                                          static_cast<uint16_t>(IntOf(info[1])), IntOf(info[2])));
}

}  // namespace

void RegisterListenerMethods(v8::Local<v8::FunctionTemplate> engine) {
  Nan::SetPrototypeMethod(engine, "listen", Listen);
  Nan::SetPrototypeMethod(engine, "listenerPort", ListenerPort);
  Nan::SetPrototypeMethod(engine, "closeListener", CloseListener);
  Nan::SetPrototypeMethod(engine, "connect", Connect);
}

}  // namespace srs
