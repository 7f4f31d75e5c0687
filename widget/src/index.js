/* <kontakt-chat>: the chat in any web page. How to embed it: docs/badda-in.md. */
import { define } from "./chat.js";

// Known only while this script runs; the service is where it came from.
define(document.currentScript?.src || location.href);
