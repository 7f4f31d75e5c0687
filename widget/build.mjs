// Bundles src/ into the one file that a site embeds. The output is committed; `make widget` makes it.
import { build } from "esbuild";

await build({
  entryPoints: [new URL("src/index.js", import.meta.url).pathname],
  outfile: process.argv[2] ?? new URL("../bot/site/static/kontakt-chat.js", import.meta.url).pathname,
  bundle: true,
  minify: true,
  format: "iife", // leaves nothing global behind
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  plugins: [{
    // The style sheet as a text, minified too.
    name: "css-text",
    setup(b) {
      b.onLoad({ filter: /\.css$/ }, async ({ path }) => {
        const css = await build({
          entryPoints: [path], bundle: true, minify: true, write: false, charset: "utf8", target: ["chrome120", "firefox120", "safari17"],
        });
        return { contents: css.outputFiles[0].text, loader: "text" };
      });
    },
  }],
});
